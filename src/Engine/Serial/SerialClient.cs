namespace Lamina.Engine.Serial;

/// <summary>One reader and typist of a serial line. Holds no resource: dropping it is detaching.</summary>
public sealed class SerialClient
{
    private readonly SerialConsole _console;
    private long _position;

    internal SerialClient(SerialConsole console, long position)
    {
        _console = console;
        _position = position;
    }

    /// <summary>Bytes this client never saw because it read slower than the guest wrote.</summary>
    public long SkippedBytes { get; private set; }

    /// <summary>Waits for output; 0 = the VM is gone and all was read. One read at a time.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        var (count, position, skipped) = await _console.ReadAsync(_position, destination, cancellationToken);
        _position = position;
        SkippedBytes += skipped;
        return count;
    }

    /// <summary>Types into the line.</summary>
    /// <exception cref="IOException">The line is not connected.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken) =>
        _console.WriteAsync(input, cancellationToken);
}
