namespace Lamina.Cli;

/// <summary>One code per kind of failure, stable for scripts.</summary>
internal enum ExitCode
{
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Conflict = 4,
    Denied = 5,
    Unreachable = 6,
    TimedOut = 7,
}
