using System.Buffers;
using System.Text.Json;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Agent;

/// <summary>
/// One line to a guest agent. The far end is the guest's and may be hostile or absent: every answer is bounded in bytes and lines.
/// Each request begins with <c>guest-sync-delimited</c> (QEMU's qga reference), so whatever an earlier agent left on the line is
/// passed over.
/// </summary>
internal sealed class GuestAgentConnection(Stream stream) : IAsyncDisposable
{
    public const int OrdinaryAnswerBytes = 1024 * 1024;
    /// <summary>The agent keeps at most 16 MiB of a program's output and sends it in base64.</summary>
    public const int ExecAnswerBytes = 48 * 1024 * 1024;

    private const byte Delimiter = 0xff;
    private const int MaxStaleLines = 64;

    private readonly LineStream _lines = new(stream);
    private long _lastSync = Random.Shared.Next();

    /// <summary>The answer's <c>return</c> member.</summary>
    /// <exception cref="QmpProtocolException">The guest sent nonsense, or more than is allowed.</exception>
    public async Task<JsonElement> RequestAsync(string command, Action<Utf8JsonWriter> writeArguments, int maxAnswerBytes,
        CancellationToken cancellationToken)
    {
        await SyncAsync(cancellationToken);
        await SendAsync(command, writeArguments, delimited: false, cancellationToken);
        var answer = Parse(await ReadAsync(maxAnswerBytes, cancellationToken))
            ?? throw new QmpProtocolException($"The guest's answer to {command} is no JSON object.");
        if (answer.TryGetProperty("return", out var result)) return result;
        if (answer.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object)
            throw new GuestAgentErrorException(command, Text(error, "class"), Text(error, "desc"));
        throw new QmpProtocolException($"The guest's answer to {command} is neither result nor error.");
    }

    /// <summary>For commands that answer only when they fail.</summary>
    public async Task SendOnlyAsync(string command, Action<Utf8JsonWriter> writeArguments, CancellationToken cancellationToken)
    {
        await SyncAsync(cancellationToken);
        await SendAsync(command, writeArguments, delimited: false, cancellationToken);
    }

    public ValueTask DisposeAsync() => _lines.DisposeAsync();

    private async Task SyncAsync(CancellationToken cancellationToken)
    {
        var id = ++_lastSync;
        await SendAsync("guest-sync-delimited", writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("id"u8, id);
            writer.WriteEndObject();
        }, delimited: true, cancellationToken);
        for (var i = 0; i < MaxStaleLines; i++)
        {
            if (Parse(AfterDelimiter(await ReadAsync(OrdinaryAnswerBytes, cancellationToken))) is { } message
                && message.TryGetProperty("return", out var echo) && echo.ValueKind == JsonValueKind.Number
                && echo.TryGetInt64(out var echoed) && echoed == id)
                return;
        }
        throw new QmpProtocolException("The guest agent does not answer to its synchronisation.");
    }

    private static ReadOnlyMemory<byte> AfterDelimiter(ReadOnlyMemory<byte> line) => line[(line.Span.LastIndexOf(Delimiter) + 1)..];

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(int maxBytes, CancellationToken cancellationToken) =>
        await _lines.ReadLineAsync(maxBytes, cancellationToken) ?? throw new IOException("QEMU closed the guest agent's line.");

    private async ValueTask SendAsync(string command, Action<Utf8JsonWriter> writeArguments, bool delimited,
        CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        // Outside a JSON string this byte makes the agent's parser forget what it held.
        if (delimited) buffer.Write([Delimiter]);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("execute"u8, command);
            writer.WritePropertyName("arguments"u8);
            writeArguments(writer);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        await _lines.WriteAsync(buffer.WrittenMemory, handle: null, cancellationToken);
    }

    private static JsonElement? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line.Span);
            var message = JsonElement.ParseValue(ref reader);
            return message.ValueKind == JsonValueKind.Object ? message : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Text(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
