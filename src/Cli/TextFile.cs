namespace Lamina.Cli;

/// <summary>Files that a person names on the command line, with <c>~</c> for the home folder.</summary>
internal static class TextFile
{
    private const long LargestBytes = 1 << 20;

    public static string FullPath(string path) =>
        path.StartsWith("~/", StringComparison.Ordinal) || path == "~"
            ? Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[1..])
            : Path.GetFullPath(path);

    /// <exception cref="CliException">It is not there, may not be read or is larger than any text.</exception>
    public static async Task<string?> ReadAsync(string? path, CancellationToken cancellationToken)
    {
        if (path is null) return null;
        var file = new FileInfo(FullPath(path));
        if (!file.Exists) throw new CliException(ExitCode.Usage, $"there is no file {path}");
        if (file.Length > LargestBytes) throw new CliException(ExitCode.Usage, $"{path} is larger than 1 MiB and surely no text");
        return await File.ReadAllTextAsync(file.FullName, cancellationToken);
    }
}
