using Lamina.Linux.Native;

namespace Lamina.Linux.Processes;

/// <summary>
/// Resource limits of a child (getrlimit(2)); null leaves ours. They are set right after the start: for a child with a <see cref="ChildUser"/> that
/// is while `setpriv` starts, before its program runs.
/// </summary>
public sealed record ChildLimits
{
    public ulong? AddressSpaceBytes { get; init; }

    public ulong? CpuSeconds { get; init; }

    public ulong? FileSizeBytes { get; init; }

    public ulong? OpenFiles { get; init; }

    public ulong? CoreBytes { get; init; }

    public ulong? LockedMemoryBytes { get; init; }

    internal void ApplyTo(int processId)
    {
        Set(processId, 0, CpuSeconds);
        Set(processId, 1, FileSizeBytes);
        Set(processId, 4, CoreBytes);
        Set(processId, 7, OpenFiles);
        Set(processId, 8, LockedMemoryBytes);
        Set(processId, 9, AddressSpaceBytes);
    }

    /// <param name="processId">The child.</param>
    /// <param name="resource">RLIMIT_* of x86-64.</param>
    /// <param name="value">Soft and hard limit.</param>
    private static void Set(int processId, int resource, ulong? value)
    {
        if (value is not { } limit) return;
        if (Libc.prlimit64(processId, resource, new() { Soft = limit, Hard = limit }, 0) == 0) return;
        var failure = LinuxException.Last($"limit resource {resource} of process {processId} to {limit}");
        if (failure.ErrorNumber != Errno.NoSuchProcess) throw failure; // it ended already
    }
}
