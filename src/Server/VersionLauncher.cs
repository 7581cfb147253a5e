using Lamina.Linux;
using Lamina.Linux.Processes;

namespace Lamina.Server;

/// <summary>
/// The first thing that the installed program does: where an upgrade has brought a newer version, it lets that one take the process over. It is the installed program that chooses, at each
/// start: a new version that cannot even start is given up by the one that could.
/// </summary>
internal static class VersionLauncher
{
    /// <summary>Returns when this very program is to run.</summary>
    /// <param name="command">As it was called.</param>
    /// <param name="arguments">Of this process.</param>
    /// <param name="errors">For people.</param>
    /// <returns>Where this host's versions lie; null: the verb has nothing to do with them.</returns>
    public static VersionFolder? Launch(CommandLine command, IReadOnlyList<string> arguments, TextWriter errors)
    {
        bool isStarted = Environment.GetEnvironmentVariable(VersionFolder.StartedVariable) is not null;
        // What is started from here must not take it for its own.
        Environment.SetEnvironmentVariable(VersionFolder.StartedVariable, null);
        if (command.Verb is CommandVerb.Help or CommandVerb.Version or CommandVerb.OpenApi) return null;
        var folder = new VersionFolder(InstanceClaim.Derive(command.Instance).DataDirectory);
        while (!isStarted && Next(command, folder) is { } version) Start(folder, version, arguments, errors);
        return folder;
    }

    /// <summary>Null: this program.</summary>
    private static string? Next(CommandLine command, VersionFolder folder)
    {
        var state = folder.Read();
        if (state is { Current: null, Trial: null }) return null;
        // Other verbs work on the data as the version does that has proved itself.
        if (command.Verb != CommandVerb.Serve) return (state with { Trial = null }).Choose(BuildInformation.Version, folder.Has).Run;
        // A daemon that runs already is not to be taken for one that has failed.
        using var claim = InstanceClaim.Take(command.Instance);
        var (next, run) = state.Choose(BuildInformation.Version, folder.Has);
        if (next != state) folder.Write(next);
        return run;
    }

    private static void Start(VersionFolder folder, string version, IReadOnlyList<string> arguments, TextWriter errors)
    {
        try
        {
            ProgramImage.Replace(folder.ProgramOf(version), arguments, new Dictionary<string, string?> { [VersionFolder.StartedVariable] = BuildInformation.Version });
        }
        catch (LinuxException failure)
        {
            errors.WriteLine($"laminad: version {version} is not used: {failure.Message}");
            var state = folder.Read();
            // What cannot be run is not tried again at each start.
            folder.Write(state.Trial?.Version == version ? state.Fail(failure.Message) : state with { Current = null });
        }
    }
}
