using System.Buffers.Binary;
using System.Numerics;

namespace Lamina.Server.Metrics.History;

/// <summary>All figures of one object at one time. A figure that could not be read is NaN.</summary>
/// <param name="Time">Unix seconds.</param>
/// <param name="Values">By column.</param>
internal sealed record RingRow(long Time, float[] Values)
{
    /// <summary>More than are used: a figure that comes later needs no new form of the file.</summary>
    public const int Columns = 32;

    /// <summary>The time, the values, a checksum, and four bytes that make it even.</summary>
    public const int Bytes = 8 + (4 * Columns) + 4 + 4;

    private const int ChecksumOffset = 8 + (4 * Columns);

    public static void Write(long time, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        bytes[..Bytes].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, time);
        for (int column = 0; column < Columns; column++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes[(8 + (4 * column))..], column < values.Length ? values[column] : float.NaN);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumOffset..], Checksum(bytes));
    }

    /// <summary>Null: nothing was written there, or half of it.</summary>
    public static RingRow? Read(ReadOnlySpan<byte> bytes)
    {
        long time = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        if (time <= 0 || BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumOffset..]) != Checksum(bytes)) return null;
        float[] values = new float[Columns];
        for (int column = 0; column < Columns; column++) values[column] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(8 + (4 * column))..]);
        return new(time, values);
    }

    /// <summary>The mean of each column over those rows that have it.</summary>
    public static RingRow Mean(long time, IReadOnlyCollection<RingRow> rows)
    {
        float[] means = new float[Columns];
        for (int column = 0; column < Columns; column++)
        {
            double sum = 0;
            int count = 0;
            foreach (var row in rows)
            {
                if (float.IsNaN(row.Values[column])) continue;
                sum += row.Values[column];
                count++;
            }

            means[column] = count == 0 ? float.NaN : (float)(sum / count);
        }

        return new(time, means);
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int offset = 0; offset < ChecksumOffset; offset += 8) sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]));
        return sum;
    }
}
