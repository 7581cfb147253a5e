namespace Lamina.Engine.Serial;

/// <summary>
/// The last bytes of a stream, each with a position that counts from the stream's beginning. Memory is taken as the stream
/// grows, up to the capacity. Not thread-safe.
/// </summary>
public sealed class SerialRing(int capacity)
{
    public const int DefaultCapacity = 1024 * 1024;
    private const int FirstSize = 4096;

    private byte[] _bytes = [];

    /// <summary>Position of the oldest byte kept.</summary>
    public long Start => Math.Max(0, End - _bytes.Length);

    /// <summary>Position after the newest byte.</summary>
    public long End { get; private set; }

    public void Append(ReadOnlySpan<byte> data)
    {
        // There may be no buffer yet to find an offset in.
        if (data.IsEmpty) return;
        Grow(data.Length);
        if (data.Length > _bytes.Length)
        {
            End += data.Length - _bytes.Length;
            data = data[^_bytes.Length..];
        }
        var offset = (int)(End % _bytes.Length);
        var first = Math.Min(data.Length, _bytes.Length - offset);
        data[..first].CopyTo(_bytes.AsSpan(offset));
        data[first..].CopyTo(_bytes);
        End += data.Length;
    }

    /// <summary>Copies bytes from <paramref name="position"/> on and returns how many. The position must be kept still.</summary>
    public int Read(long position, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(position, Start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, End);
        var count = (int)Math.Min(destination.Length, End - position);
        if (count == 0) return 0;
        var offset = (int)(position % _bytes.Length);
        var first = Math.Min(count, _bytes.Length - offset);
        _bytes.AsSpan(offset, first).CopyTo(destination);
        _bytes.AsSpan(0, count - first).CopyTo(destination[first..]);
        return count;
    }

    // Before the first wrap, offset equals position, so growing is one copy.
    private void Grow(int added)
    {
        if (_bytes.Length == capacity || End + added <= _bytes.Length) return;
        var size = Math.Max(FirstSize, _bytes.Length);
        while (size < End + added && size < capacity) size *= 2;
        Array.Resize(ref _bytes, Math.Min(size, capacity));
    }
}
