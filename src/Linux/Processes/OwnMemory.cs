using System.Globalization;
using Lamina.Linux.Host;
using Lamina.Linux.Native;

namespace Lamina.Linux.Processes;

/// <summary>What this process holds of the host's memory beyond what it uses.</summary>
public static class OwnMemory
{
    private const int MadviseDontNeed = 4; // MADV_DONTNEED, asm-generic/mman-common.h

    /// <summary>
    /// Gives back what the collector and malloc keep for later, and lets go of the pages of the program that were read for something done once, such as the
    /// start: they stay in the page cache as long as the host has room, and are mapped again by whatever runs through them.
    /// </summary>
    public static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _ = Libc.malloc_trim(0);
        if (Environment.ProcessPath is not { } program || ProcFile.TryRead("/proc/self/smaps") is not { } maps) return;
        foreach (var (start, bytes) in UnchangedParts(maps, program)) _ = Libc.madvise((nuint)start, (nuint)bytes, MadviseDontNeed);
    }

    /// <summary>
    /// The mappings of a program in which nothing was written since they were mapped: its code, and what lies before it in the file. Read-only does not mean unchanged: the runtime
    /// writes its stack cookie into a page among them at its start and closes it again. Dropped, the page came back from the file with zero, and the next function that compared what it
    /// had put on its stack ended the process (SIGABRT, without a word).
    /// </summary>
    /// <param name="maps">Of /proc/PID/smaps: what was written is there as anonymous memory.</param>
    /// <param name="program">The path of its file.</param>
    internal static IReadOnlyList<(ulong Start, ulong Bytes)> UnchangedParts(string maps, string program)
    {
        var parts = new List<(ulong, ulong)>();
        (ulong Start, ulong Bytes, bool IsCode)? part = null;
        foreach (string line in maps.Split('\n'))
        {
            string[] words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words is ["Anonymous:", var written, ..] && part is { } known)
            {
                if (written == "0") parts.Add((known.Start, known.Bytes));
                if (known.IsCode) break;
                part = null;
            }

            // START-END PERMISSIONS OFFSET DEVICE INODE PATH (proc_pid_maps(5))
            if (words is not [var range, var permissions, _, _, _, var path] || path != program) continue;
            if (permissions is not ("r--p" or "r-xp")) break;
            int dash = range.IndexOf('-', StringComparison.Ordinal);
            ulong start = ulong.Parse(range.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            part = (start, ulong.Parse(range.AsSpan(dash + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture) - start, permissions == "r-xp");
        }

        return parts;
    }
}
