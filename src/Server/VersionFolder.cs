using System.Text.Json;
using Lamina.Linux.Files;

namespace Lamina.Server;

/// <summary>
/// The programs that this host has beside the installed one: <c>versions/&lt;version&gt;/laminad</c> in the data folder, and <c>state.json</c>, which says which of them runs.
/// </summary>
internal sealed class VersionFolder(string dataFolder)
{
    public const string Program = "laminad";

    /// <summary>Set by the installed program for the version that it starts: that one does not choose again.</summary>
    public const string StartedVariable = "LAMINA_STARTED_BY";

    /// <summary>Set by whoever starts laminad again when it ends: without that no version is tried.</summary>
    public const string SupervisedVariable = "LAMINA_SUPERVISED";

    private readonly Lock _gate = new();

    public string Root { get; } = Path.Combine(dataFolder, "versions");

    /// <summary>Packages as they were brought.</summary>
    public string Packages => Path.Combine(Root, "packages");

    /// <summary>Whether another daemon follows when this one ends.</summary>
    public static bool IsSupervised => Environment.GetEnvironmentVariable(SupervisedVariable) is { Length: > 0 };

    private string StateFile => Path.Combine(Root, "state.json");

    public string FolderOf(string version) => Path.Combine(Root, version);

    public string ProgramOf(string version) => Path.Combine(FolderOf(version), Program);

    public bool Has(string version) => File.Exists(ProgramOf(version));

    /// <summary>A file that nobody can read counts as none: then the installed program runs.</summary>
    public ChosenVersion Read()
    {
        try
        {
            return File.Exists(StateFile) ? JsonSerializer.Deserialize(File.ReadAllBytes(StateFile), ChosenVersionJson.Default.ChosenVersion) ?? new ChosenVersion() : new ChosenVersion();
        }
        catch (JsonException)
        {
            return new ChosenVersion();
        }
    }

    /// <summary>Durable when it returns.</summary>
    public void Write(ChosenVersion state)
    {
        Directory.CreateDirectory(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        DurableFile.Write(StateFile, JsonSerializer.SerializeToUtf8Bytes(state, ChosenVersionJson.Default.ChosenVersion), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>The next start runs this version, once.</summary>
    public void Try(string version, string operation) => Change(state => state with { Trial = new VersionTrial { Version = version, Operation = operation } });

    /// <summary>This program, if it is on trial; else null.</summary>
    public VersionTrial? OwnTrial() => Read().Trial is { Begun: true } trial && trial.Version == BuildInformation.Version ? trial : null;

    /// <summary>This program has proved itself, and runs from now on. Others but it and the one before go.</summary>
    public void Prove()
    {
        string own = BuildInformation.Version;
        string? former = Read().Current;
        Change(state => state.Trial?.Version == own ? new ChosenVersion { Current = own } : state);
        foreach (string folder in Directory.EnumerateDirectories(Root))
        {
            if (Path.GetFileName(folder) is var name && name != own && name != former && folder != Packages) Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Keeps in mind why this program, if it is on trial, has failed.</summary>
    public void Explain(string failure)
    {
        if (OwnTrial() is not null) Change(state => state with { Trial = state.Trial! with { Failure = failure } });
    }

    private void Change(Func<ChosenVersion, ChosenVersion> step)
    {
        lock (_gate) Write(step(Read()));
    }
}
