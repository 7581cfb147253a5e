using System.Globalization;

namespace Lamina.Linux.Processes;

/// <summary>
/// Which process is meant, for good: a pid alone is reused. Recorded beside what a process does, it lets a restarted daemon find the
/// process again, or know that it is gone.
/// </summary>
/// <param name="ProcessId">The pid.</param>
/// <param name="StartTicks">Field 22 of /proc/pid/stat: clock ticks between boot and the start. An exec does not change it.</param>
/// <param name="Executable">The program's real path.</param>
/// <param name="BootId">The boot in which this pid and start time mean something.</param>
public sealed record ProcessIdentity(int ProcessId, ulong StartTicks, string Executable, string BootId)
{
    private const string DeletedSuffix = " (deleted)";

    /// <summary>The identity of a process that runs now, or null when there is none (a zombie does not run).</summary>
    public static ProcessIdentity? Read(int processId)
    {
        if (ProcessStat.Read(processId) is not { IsDead: false } stat) return null;
        var executable = ReadExecutable(processId);
        return executable is null ? null : new(processId, stat.StartTicks, executable, HostClock.ReadBootId());
    }

    /// <summary>All processes whose command line holds this very argument: how a child is found whose identity was not recorded in time.</summary>
    public static IReadOnlyList<ProcessIdentity> FindByArgument(string argument)
    {
        var found = new List<ProcessIdentity>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            // The identity first: a command line read after it can only be this process's or a later one's, which nobody can adopt under it.
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
                && Read(processId) is { } identity
                && ReadArguments(folder).Contains(argument)) found.Add(identity);
        }

        return found;
    }

    /// <summary>Whether this very argument stands in the process's command line; a launcher's holds that of the program it becomes.</summary>
    public bool HasArgument(string argument) => ReadArguments($"/proc/{ProcessId}").Contains(argument);

    /// <summary>
    /// True while exactly this process runs. A program replaced on disk by an upgrade is still the same process; so is one that a launcher is
    /// about to become.
    /// </summary>
    public bool IsRunning() =>
        Read(ProcessId) is { } now
        && now.StartTicks == StartTicks
        && now.BootId == BootId
        && (now.Executable == Executable || LaunchCommand.IsLauncher(now.Executable));

    private static string[] ReadArguments(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0');
        }
        catch (IOException)
        {
            return []; // it ended meanwhile
        }
    }

    private static string? ReadExecutable(int processId)
    {
        var target = new FileInfo($"/proc/{processId}/exe").LinkTarget;
        return target is null ? null
            : target.EndsWith(DeletedSuffix, StringComparison.Ordinal) ? target[..^DeletedSuffix.Length]
            : target;
    }
}
