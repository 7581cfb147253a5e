using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Metrics.History;

/// <summary>
/// The past of one object in one file of fixed size. It is open only while it is used, so a thousand of them hold nothing; one writer, any number of
/// readers: a row that is read while it is written fails its checksum and counts as absent. Nothing is synced: what a failure of power takes is
/// some seconds of figures.
/// </summary>
internal sealed class RingFile(string path)
{
    private const string DamagedSuffix = ".damaged";

    private static readonly byte[] Header = MakeHeader();

    private readonly Lock _lock = new();
    private long? _last;

    /// <summary>Adds what was read now, and the mean of each longer step that has ended by it.</summary>
    /// <returns>Where a damaged file was set aside; null: nothing was wrong.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public string? Append(long time, ReadOnlySpan<float> values)
    {
        lock (_lock)
        {
            using var file = OpenOrMake(out string? setAside);
            // A daemon that was away ended in the midst of a step: that is closed now.
            long? last = setAside is null ? _last ?? Newest(file) : null;
            // Nothing was read between the two; after a jump of the clock to the past the step that it left stays open until it comes again.
            if (last is { } before && before < time)
            {
                for (int level = 1; level < RingLayout.Levels.Count; level++)
                {
                    if (RingLayout.Levels[level].StepOf(time) > RingLayout.Levels[level].StepOf(before)) Close(file, level, RingLayout.Levels[level].StepOf(before));
                }
            }

            Write(file, 0, time, values);
            _last = time;
            return setAside;
        }
    }

    /// <summary>The rows of a level from a time (inclusive) to another, in order; none when nothing is there.</summary>
    public IReadOnlyList<RingRow> Read(int level, long from, long to)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return IsWhole(file) ? Rows(file, level, from, to) : [];
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    private SafeFileHandle OpenOrMake(out string? setAside)
    {
        setAside = null;
        var file = Open();
        if (RandomAccess.GetLength(file) == 0) return Make(file);
        if (IsWhole(file)) return file;
        file.Dispose();
        setAside = path + DamagedSuffix;
        File.Move(path, setAside, overwrite: true);
        return Make(Open());
    }

    private SafeFileHandle Open() => File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    private static SafeFileHandle Make(SafeFileHandle file)
    {
        try
        {
            RandomAccess.SetLength(file, RingLayout.FileBytes);
            RandomAccess.Write(file, Header, 0);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static bool IsWhole(SafeFileHandle file)
    {
        if (RandomAccess.GetLength(file) != RingLayout.FileBytes) return false;
        Span<byte> header = stackalloc byte[RingLayout.HeaderBytes];
        return RandomAccess.Read(file, header, 0) == header.Length && header.SequenceEqual(Header);
    }

    /// <summary>Time of the newest row as it was read.</summary>
    private static long? Newest(SafeFileHandle file) => Rows(file, 0, 0, long.MaxValue) is [.., var newest] ? newest.Time : null;

    private static void Close(SafeFileHandle file, int level, long step)
    {
        var rows = Rows(file, level - 1, step, step + RingLayout.Levels[level].StepSeconds);
        if (rows.Count > 0) Write(file, level, step, RingRow.Mean(step, rows).Values);
    }

    private static void Write(SafeFileHandle file, int level, long time, ReadOnlySpan<float> values)
    {
        Span<byte> bytes = stackalloc byte[RingRow.Bytes];
        RingRow.Write(time, values, bytes);
        RandomAccess.Write(file, bytes, RingLayout.OffsetOf(level, RingLayout.Levels[level].SlotOf(time)));
    }

    private static IReadOnlyList<RingRow> Rows(SafeFileHandle file, int level, long from, long to)
    {
        var ring = RingLayout.Levels[level];
        long first = ring.StepOf(Math.Max(0, from));
        bool isAll = to - first >= ring.SpanSeconds;
        int slots = isAll ? ring.Rows : (int)((to - first + ring.StepSeconds - 1) / ring.StepSeconds);
        int begin = isAll ? 0 : ring.SlotOf(first);
        var rows = new List<RingRow>(slots);
        for (int slot = begin, left = slots; left > 0; slot = 0)
        {
            int count = Math.Min(left, ring.Rows - slot);
            byte[] bytes = new byte[count * RingRow.Bytes];
            int length = RandomAccess.Read(file, bytes, RingLayout.OffsetOf(level, slot));
            for (int offset = 0; offset + RingRow.Bytes <= length; offset += RingRow.Bytes)
            {
                // A row of a former round, or of a clock that ran ahead, lies elsewhere in time.
                if (RingRow.Read(bytes.AsSpan(offset)) is { } row && row.Time >= from && row.Time < to) rows.Add(row);
            }

            left -= count;
        }

        rows.Sort(static (left, right) => left.Time.CompareTo(right.Time));
        return rows;
    }

    /// <summary>A mark, then all that the layout follows from: a file of another form is not taken for one of ours.</summary>
    private static byte[] MakeHeader()
    {
        byte[] header = new byte[RingLayout.HeaderBytes];
        "LAMINA-METRICS1\n"u8.CopyTo(header);
        int[] numbers = [RingRow.Columns, .. RingLayout.Levels.SelectMany(level => new[] { level.StepSeconds, level.Rows })];
        for (int index = 0; index < numbers.Length; index++) BitConverter.TryWriteBytes(header.AsSpan(16 + (4 * index)), numbers[index]);
        return header;
    }
}
