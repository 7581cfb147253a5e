using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading.Channels;
using Lamina.Linux.Files;

namespace Lamina.Engine.Qmp;

/// <summary>
/// The protocol's state machine over a byte stream: numbers the calls, pairs the answers, passes on the events.
/// <code>
///            greeting          close, broken line, nonsense
///  opened ────────────► open ────────────────────────────────► closed (every pending call fails with the reason)
/// </code>
/// A caller who stops waiting changes nothing on the line: the answer is dropped when it comes.
/// </summary>
internal sealed class QmpConnection : IAsyncDisposable
{
    private readonly LineStream _stream;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, PendingCall> _pending = [];
    private readonly Channel<Outgoing> _outgoing = Channel.CreateUnbounded<Outgoing>(new() { SingleReader = true });
    private readonly Channel<QmpEvent> _events = Channel.CreateUnbounded<QmpEvent>(new() { SingleWriter = true });
    private readonly TaskCompletionSource<QmpVersion> _greeting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _loops;
    private Exception? _reason;
    private long _lastId;

    public QmpConnection(LineStream stream)
    {
        _stream = stream;
        _loops = Task.WhenAll(ReadLoopAsync(), WriteLoopAsync());
    }

    /// <summary>QEMU's first message.</summary>
    public Task<QmpVersion> Greeting => _greeting.Task;
    /// <summary>Completes with the reason when the line is dead.</summary>
    public Task<Exception> Closed => _closed.Task;
    /// <summary>Completes when the line is dead, without an error.</summary>
    public ChannelReader<QmpEvent> Events => _events.Reader;

    /// <summary>Sends one command; the result is the answer's <c>return</c> member.</summary>
    public async Task<JsonElement> CallAsync(string command, Action<Utf8JsonWriter> writeArguments, bool outOfBand, SafeHandle? handle,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var call = new PendingCall(command);
        lock (_lock)
        {
            if (_reason != null) throw Closing(command, _reason);
            var id = ++_lastId;
            var message = Encode(command, writeArguments, outOfBand, id);
            _pending.Add(id, call);
            // Inside the lock, so that numbers reach the line in order. A copy of the file, for a caller may stop waiting and close his.
            _outgoing.Writer.TryWrite(new Outgoing(message, handle == null ? null : Duplicate.Of(handle)));
        }
        return await call.Answer.Task.WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Close(new QmpClosedException("The monitor was closed by its user."));
        await _loops;
        await _stream.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task ReadLoopAsync()
    {
        await Task.Yield();
        try
        {
            while (await _stream.ReadLineAsync(QmpClient.MaxLineBytes, _stopping.Token) is { } line)
                if (line.Length > 0) Receive(line);
            Close(new QmpClosedException("QEMU closed the monitor."));
        }
        catch (OperationCanceledException)
        {
            // Close() said why.
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            Close(new QmpClosedException($"The monitor's line broke: {exception.Message}", exception));
        }
        catch (QmpProtocolException exception)
        {
            Close(exception);
        }
        catch (Exception exception)
        {
            // Only reading a message's parts is left to fail. Whatever it throws, nobody may be left waiting.
            Close(new QmpProtocolException($"QEMU sent something that is not QMP: {exception.Message}", exception));
        }
    }

    private async Task WriteLoopAsync()
    {
        try
        {
            await foreach (var (message, handle) in _outgoing.Reader.ReadAllAsync(_stopping.Token))
            {
                using (handle) await _stream.WriteAsync(message, handle, _stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Close() said why.
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or NotSupportedException)
        {
            Close(new QmpClosedException($"The monitor's line broke: {exception.Message}", exception));
        }
    }

    private void Receive(ReadOnlyMemory<byte> line)
    {
        var reader = new Utf8JsonReader(line.Span);
        var message = JsonElement.ParseValue(ref reader);
        if (reader.Read()) throw new QmpProtocolException("A line holds more than one message.");
        if (message.ValueKind != JsonValueKind.Object) throw new QmpProtocolException("A message is no object.");
        if (message.TryGetProperty("event", out var name)) ReceiveEvent(name, message);
        else if (message.TryGetProperty("return", out var result)) TakePending(message)?.Answer.TrySetResult(result);
        else if (message.TryGetProperty("error", out var error)) ReceiveError(message, error);
        else if (message.TryGetProperty("QMP", out var greeting)) ReceiveGreeting(greeting);
        else throw new QmpProtocolException("A message is neither answer, event nor greeting.");
    }

    private void ReceiveGreeting(JsonElement greeting)
    {
        var qemu = greeting.GetProperty("version").GetProperty("qemu");
        var version = new QmpVersion(qemu.GetProperty("major").GetInt32(), qemu.GetProperty("minor").GetInt32(),
            qemu.GetProperty("micro").GetInt32());
        if (!_greeting.TrySetResult(version)) throw new QmpProtocolException("A second greeting.");
    }

    private void ReceiveEvent(JsonElement name, JsonElement message)
    {
        message.TryGetProperty("data", out var data);
        _events.Writer.TryWrite(new QmpEvent(name.GetString() ?? throw new QmpProtocolException("An event has no name."), data));
    }

    private void ReceiveError(JsonElement message, JsonElement error)
    {
        var errorClass = error.GetProperty("class").GetString() ?? "";
        var description = error.GetProperty("desc").GetString() ?? "";
        // Without an id QEMU could not parse what we wrote: whose call it was is unknown, so the line is lost.
        if (!message.TryGetProperty("id", out _)) throw new QmpProtocolException($"QEMU did not understand a message: {description}");
        if (TakePending(message) is { } call) call.Answer.TrySetException(new QmpErrorException(call.Command, errorClass, description));
    }

    private PendingCall? TakePending(JsonElement message)
    {
        if (!message.TryGetProperty("id", out var value)) throw new QmpProtocolException("An answer has no id.");
        var id = value.GetInt64();
        lock (_lock)
        {
            if (_pending.Remove(id, out var call)) return call;
            // After Close() the table is empty and what is still read means nothing.
            return _reason != null ? null : throw new QmpProtocolException($"An answer to a call never made, {id}.");
        }
    }

    private void Close(Exception reason)
    {
        PendingCall[] orphans;
        lock (_lock)
        {
            if (_reason != null) return;
            _reason = reason;
            orphans = [.. _pending.Values];
            _pending.Clear();
        }
        _outgoing.Writer.TryComplete();
        _stopping.Cancel();
        foreach (var call in orphans) call.Answer.TrySetException(Closing(call.Command, reason));
        _greeting.TrySetException(reason);
        _events.Writer.TryComplete();
        _closed.TrySetResult(reason);
    }

    private static Exception Closing(string command, Exception reason) => reason is QmpProtocolException
        ? new QmpProtocolException($"{command}: {reason.Message}", reason)
        : new QmpClosedException($"{command}: {reason.Message}", reason);

    private static ReadOnlyMemory<byte> Encode(string command, Action<Utf8JsonWriter> writeArguments, bool outOfBand, long id)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString(outOfBand ? "exec-oob"u8 : "execute"u8, command);
            writer.WritePropertyName("arguments"u8);
            writeArguments(writer);
            writer.WriteNumber("id"u8, id);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private readonly record struct Outgoing(ReadOnlyMemory<byte> Message, SafeHandle? Handle);

    private sealed class PendingCall(string command)
    {
        public string Command { get; } = command;
        public TaskCompletionSource<JsonElement> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
