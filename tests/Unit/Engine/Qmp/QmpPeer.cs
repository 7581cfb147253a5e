using System.Text;
using System.Text.Json;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Unit.Engine.Qmp;

/// <summary>The far end of a monitor line, played by the test: it reads commands and writes whatever it likes.</summary>
internal sealed class QmpPeer : IDisposable
{
    public const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}""";

    private readonly DuplexStream _far;
    private readonly StreamReader _reader;

    public QmpPeer()
    {
        (Near, _far) = DuplexStream.Pair();
        _reader = new StreamReader(_far);
    }

    public DuplexStream Near { get; }

    /// <summary>A peer and a client that have shaken hands.</summary>
    public static async Task<(QmpPeer Peer, QmpClient Client)> OpenAsync(CancellationToken cancellationToken)
    {
        var peer = new QmpPeer();
        var opening = QmpClient.OpenAsync(peer.Near, outOfBand: false, cancellationToken);
        await peer.GreetAsync(cancellationToken);
        return (peer, await opening);
    }

    public async Task GreetAsync(CancellationToken cancellationToken)
    {
        await SendAsync(Greeting);
        var capabilities = await ReceiveAsync(cancellationToken);
        Assert.Equal("qmp_capabilities", capabilities.Command);
        await SendAsync($$"""{"return": {}, "id": {{capabilities.Id}}}""");
    }

    public async Task<Received> ReceiveAsync(CancellationToken cancellationToken)
    {
        var line = await _reader.ReadLineAsync(cancellationToken) ?? throw new EndOfStreamException();
        var message = JsonDocument.Parse(line).RootElement;
        var outOfBand = message.TryGetProperty("exec-oob", out var command);
        if (!outOfBand) command = message.GetProperty("execute");
        return new Received(command.GetString()!, message.GetProperty("id").GetInt64(), message.GetProperty("arguments").GetRawText(), outOfBand);
    }

    public Task SendAsync(string line) => SendRawAsync(Encoding.UTF8.GetBytes(line + "\r\n"));

    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        await _far.WriteAsync(bytes);
        await _far.FlushAsync();
    }

    public void Hangup() => _far.Dispose();

    public void Dispose()
    {
        _reader.Dispose();
        _far.Dispose();
        Near.Dispose();
    }

    internal sealed record Received(string Command, long Id, string Arguments, bool OutOfBand);
}
