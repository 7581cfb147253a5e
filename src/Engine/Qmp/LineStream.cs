using System.Runtime.InteropServices;

namespace Lamina.Engine.Qmp;

/// <summary>
/// The byte stream under a line protocol, and its only seam: lines in (bounded, so that a hostile peer costs no memory), whole
/// messages out. One reader and one writer at a time.
/// </summary>
/// <param name="stream">Owned; disposed with this.</param>
/// <param name="sendWithHandle">Writes to the same line with an open file attached (SCM_RIGHTS); null where the line cannot.</param>
internal sealed class LineStream(Stream stream, SendWithHandle? sendWithHandle = null) : IAsyncDisposable
{
    private const int IdleBufferBytes = 4096;

    private byte[] _buffer = new byte[IdleBufferBytes];
    private int _start;
    private int _end;

    /// <summary>The next line without its end, valid until the next call; null = the peer closed.</summary>
    /// <param name="maxLineBytes">A longer line is nonsense.</param>
    /// <exception cref="QmpProtocolException">The line is too long, or the stream ended inside one.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadLineAsync(int maxLineBytes, CancellationToken cancellationToken)
    {
        var scanned = _start;
        while (true)
        {
            var newline = _buffer.AsSpan(scanned, _end - scanned).IndexOf((byte)'\n');
            if (newline >= 0) return TakeLine(scanned + newline, maxLineBytes);
            scanned = MakeRoom(maxLineBytes);
            var count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (count == 0)
                return _end == _start ? null : throw new QmpProtocolException("The line ended in the middle of a message.");
            _end += count;
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, SafeHandle? handle, CancellationToken cancellationToken)
    {
        if (handle == null) return stream.WriteAsync(message, cancellationToken);
        if (sendWithHandle == null) throw new NotSupportedException("This line cannot carry an open file.");
        return sendWithHandle(message, handle, cancellationToken);
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private ReadOnlyMemory<byte> TakeLine(int newline, int maxLineBytes)
    {
        var length = newline - _start;
        if (length > maxLineBytes) throw TooLong(maxLineBytes);
        if (length > 0 && _buffer[newline - 1] == '\r') length--;
        var line = _buffer.AsMemory(_start, length);
        _start = newline + 1;
        return line;
    }

    // Moves what is unread to the front, grows or shrinks the buffer, and returns where to go on scanning.
    private int MakeRoom(int maxLineBytes)
    {
        var unread = _end - _start;
        if (unread > maxLineBytes) throw TooLong(maxLineBytes);
        var target = unread == 0 && _buffer.Length > IdleBufferBytes ? new byte[IdleBufferBytes]
            : unread == _buffer.Length ? new byte[_buffer.Length * 2]
            : _buffer;
        _buffer.AsSpan(_start, unread).CopyTo(target);
        _buffer = target;
        _start = 0;
        _end = unread;
        return unread;
    }

    private static QmpProtocolException TooLong(int maxLineBytes) => new($"A message is longer than {maxLineBytes} bytes.");
}

internal delegate ValueTask SendWithHandle(ReadOnlyMemory<byte> message, SafeHandle handle, CancellationToken cancellationToken);
