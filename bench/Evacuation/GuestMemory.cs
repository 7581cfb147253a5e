using System.Globalization;

namespace Lamina.Bench.Evacuation;

/// <summary>What of a guest's memory is not zero: the least that has to be sent of it.</summary>
internal static class GuestMemory
{
    private const int PageBytes = 4096;
    private const int PieceBytes = 1 << 20;

    /// <summary>Bytes in pages that are not zero, of the guest's memory only, as QEMU's process has it now.</summary>
    public static long NonZeroBytes(int processId)
    {
        using var memory = File.OpenHandle($"/proc/{processId}/mem");
        long found = 0;
        byte[] piece = new byte[PieceBytes];
        foreach (var (begin, end) in Regions(processId))
        {
            for (long at = begin; at < end; at += PieceBytes)
            {
                int length = RandomAccess.Read(memory, piece.AsSpan(0, (int)Math.Min(PieceBytes, end - at)), at);
                for (int page = 0; page < length; page += PageBytes)
                    if (piece.AsSpan(page, PageBytes).ContainsAnyExcept((byte)0)) found += PageBytes;
            }
        }

        return found;
    }

    // "7f0000000000-7f0008000000 rw-s 00000000 00:01 1234  /memfd:memory-backend-memfd (deleted)": proc_pid_maps(5).
    private static IEnumerable<(long Begin, long End)> Regions(int processId) =>
        from line in File.ReadAllLines($"/proc/{processId}/maps")
        where line.Contains("/memfd:memory-backend-memfd", StringComparison.Ordinal)
        let range = line.Split(' ')[0].Split('-')
        select (long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}
