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

    /// <summary>
    /// True while exactly this process runs. A program replaced on disk by an upgrade is still the same process; so is one that a launcher is
    /// about to become.
    /// </summary>
    public bool IsRunning() =>
        Read(ProcessId) is { } now
        && now.StartTicks == StartTicks
        && now.BootId == BootId
        && (now.Executable == Executable || LaunchCommand.IsLauncher(now.Executable));

    private static string? ReadExecutable(int processId)
    {
        var target = new FileInfo($"/proc/{processId}/exe").LinkTarget;
        return target is null ? null
            : target.EndsWith(DeletedSuffix, StringComparison.Ordinal) ? target[..^DeletedSuffix.Length]
            : target;
    }
}
