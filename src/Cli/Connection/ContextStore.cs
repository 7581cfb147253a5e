using System.Text.Json;

namespace Lamina.Cli.Connection;

/// <summary>The contexts of this user: <c>$XDG_CONFIG_HOME/lamina/contexts.json</c>, readable by nobody else since it holds tokens.</summary>
internal sealed class ContextStore(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static ContextStore OfUser()
    {
        var home = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        if (string.IsNullOrEmpty(home)) home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config");
        return new ContextStore(Path.Combine(home, "lamina", "contexts.json"));
    }

    /// <exception cref="CliException">The file cannot be read as contexts.</exception>
    public ContextFile Load()
    {
        if (!File.Exists(path)) return new ContextFile();
        try
        {
            using var file = File.OpenRead(path);
            return JsonSerializer.Deserialize(file, ContextJson.Default.ContextFile) ?? new ContextFile();
        }
        catch (JsonException error)
        {
            throw new CliException(ExitCode.Usage, $"the contexts in {path} cannot be read: {error.Message}", "mend or delete the file");
        }
    }

    public void Save(ContextFile contexts)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + ".tmp";
        File.Delete(temporary);
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
            JsonSerializer.Serialize(file, contexts, ContextJson.Default.ContextFile);
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Adds the context, or replaces the one of that name, and makes it the current one.</summary>
    public void Put(Context context)
    {
        var known = Load().Contexts.Where(c => c.Name != context.Name);
        Save(new ContextFile { Current = context.Name, Contexts = [.. known.Append(context).OrderBy(c => c.Name, StringComparer.Ordinal)] });
    }
}
