using System.Globalization;
using Lamina.Linux.Host;

namespace Lamina.Linux.Processes;

/// <summary>The memory of a process that takes up room (/proc/pid/status): the kernel keeps these counts, so that reading them costs the process nothing.</summary>
/// <param name="AnonymousBytes">Its own.</param>
/// <param name="FileBytes">Of mapped files, programs above all.</param>
/// <param name="SharedBytes">Of memfds and other shared memory: a guest's, where that is shared.</param>
/// <param name="SwappedBytes">Of its own, what is swapped out.</param>
public sealed record ProcessMemory(long AnonymousBytes, long FileBytes, long SharedBytes, long SwappedBytes)
{
    /// <returns>Null: it has ended.</returns>
    public static ProcessMemory? Read(int processId) => ProcFile.TryRead($"/proc/{processId}/status") is { } text ? Parse(text) : null;

    internal static ProcessMemory? Parse(string text) => ProcFile.Number(text, "RssAnon") is { } anonymous
        ? new(anonymous * 1024, Bytes(text, "RssFile"), Bytes(text, "RssShmem"), Bytes(text, "VmSwap"))
        : null;

    private static long Bytes(string text, string name) => (ProcFile.Number(text, name) ?? 0) * 1024;
}

/// <summary>What the scheduler tells of one thread (Documentation/scheduler/sched-stats.rst).</summary>
/// <param name="RunTime">On a core.</param>
/// <param name="WaitTime">Ready, but without one.</param>
public sealed record ThreadTimes(TimeSpan RunTime, TimeSpan WaitTime)
{
    /// <returns>Null: it has ended.</returns>
    public static ThreadTimes? Read(int processId, int threadId) => Parse(ProcFile.TryRead($"/proc/{processId}/task/{threadId}/schedstat"));

    /// <summary>`run wait slices`, in nanoseconds.</summary>
    internal static ThreadTimes? Parse(string? text)
    {
        if (text?.Split(' ') is not [var run, var wait, _]) return null;
        return long.TryParse(run, NumberStyles.None, CultureInfo.InvariantCulture, out long runs) && long.TryParse(wait, NumberStyles.None, CultureInfo.InvariantCulture, out long waits)
            ? new(TimeSpan.FromTicks(runs / 100), TimeSpan.FromTicks(waits / 100))
            : null;
    }

    /// <summary>The threads of a process whose name begins so.</summary>
    public static IReadOnlyList<int> Find(int processId, string namePrefix)
    {
        try
        {
            return
            [
                .. Directory.EnumerateDirectories($"/proc/{processId}/task")
                    .Select(folder => int.Parse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture))
                    .Where(thread => ProcFile.TryRead($"/proc/{processId}/task/{thread}/comm")?.StartsWith(namePrefix, StringComparison.Ordinal) == true),
            ];
        }
        catch (IOException)
        {
            return []; // it has ended
        }
    }
}
