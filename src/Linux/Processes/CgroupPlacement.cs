namespace Lamina.Linux.Processes;

/// <summary>How a child is born inside a cgroup; one of the three members is set. Made by the cgroup manager.</summary>
public sealed record CgroupPlacement
{
    /// <summary>v1: the `tasks` files of the controllers. The thread that spawns enters them, and its child inherits them.</summary>
    internal IReadOnlyList<string> TaskFiles { get; init; } = [];

    /// <summary>v2: the cgroup.procs file, which a shell enters before it becomes the program.</summary>
    internal string? ProcessFile { get; init; }

    /// <summary>systemd: the command that makes the scope around itself and then becomes the program that follows.</summary>
    internal IReadOnlyList<string> Launcher { get; init; } = [];
}
