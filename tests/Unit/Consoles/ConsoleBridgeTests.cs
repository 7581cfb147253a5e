using System.Net.WebSockets;
using System.Text;
using Lamina.Engine.Serial;
using Lamina.Server.Consoles;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Unit.Consoles;

public sealed class ConsoleBridgeTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly SerialConsole _serial = new();
    private readonly DuplexStream _guest;
    private readonly Task _pump;
    private readonly WebSocket _viewer;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _aborted = new();
    private readonly TaskCompletionSource _accessLost = new();
    private readonly WebSocket _served;

    public ConsoleBridgeTests()
    {
        (var line, _guest) = DuplexStream.Pair();
        _pump = _serial.PumpAsync(line, CancellationToken.None);
        var (near, far) = DuplexStream.Pair();
        _served = WebSocket.CreateFromStream(near, new WebSocketCreationOptions { IsServer = true });
        _viewer = WebSocket.CreateFromStream(far, new WebSocketCreationOptions());
    }

    [Fact]
    public async Task TheHistoryComesFirstThenWhatIsSaid()
    {
        await SayAsync("booted\n");
        var bridge = Run();
        Assert.Equal("booted\n", await ReadAsync(7));
        await SayAsync("login: ");
        Assert.Equal("login: ", await ReadAsync(7));
        await LeaveAsync(bridge);
    }

    [Fact]
    public async Task WhatTheViewerSendsIsTyped()
    {
        var bridge = Run();
        await _viewer.SendAsync("root\r"u8.ToArray(), WebSocketMessageType.Binary, true, CancellationToken.None);
        byte[] typed = new byte[5];
        await _guest.ReadExactlyAsync(typed).AsTask().WaitAsync(Deadline);
        Assert.Equal("root\r", Encoding.ASCII.GetString(typed));
        await LeaveAsync(bridge);
    }

    [Fact]
    public async Task TheEndOfTheVmIsSaid()
    {
        var bridge = Run();
        await SayAsync("Power down.");
        await _guest.DisposeAsync();
        await _pump.WaitAsync(Deadline);
        _serial.Complete();
        Assert.Equal("Power down.", await ReadAsync(11));
        Assert.Equal(ConsoleEnd.VmEnded, await ClosedAsync());
        await bridge.WaitAsync(Deadline);
    }

    [Fact]
    public async Task TheLossOfTheRightIsSaid()
    {
        var bridge = Run();
        _accessLost.SetResult();
        Assert.Equal(ConsoleEnd.AccessLost, await ClosedAsync());
        await bridge.WaitAsync(Deadline);
    }

    [Fact]
    public async Task TheDaemonsEndIsSaid()
    {
        var bridge = Run();
        await _stopping.CancelAsync();
        Assert.Equal(ConsoleEnd.DaemonStops, await ClosedAsync());
        await bridge.WaitAsync(Deadline);
    }

    [Fact]
    public async Task ALineThatBreaksIsSaid()
    {
        var bridge = new ConsoleBridge(_served, (_, _) => throw new IOException("gone"), (_, _) => ValueTask.CompletedTask, ConsoleEnd.VmEnded)
            .RunAsync(NeverAsync, CancellationToken.None, CancellationToken.None);
        Assert.Equal(ConsoleEnd.LineLost, await ClosedAsync());
        await bridge.WaitAsync(Deadline);
    }

    [Fact]
    public async Task AViewerWhoseLineIsGoneEndsIt()
    {
        var bridge = Run();
        await _aborted.CancelAsync();
        await bridge.WaitAsync(Deadline);
    }

    [Fact]
    public async Task ForAViewerWhoDoesNotReadNothingIsRead()
    {
        int reads = 0;
        var blocked = new BlockedSocket();
        using var aborted = new CancellationTokenSource();
        var bridge = new ConsoleBridge(blocked, (_, _) => ValueTask.FromResult(++reads > 0 ? 1 : 0), (_, _) => ValueTask.CompletedTask, ConsoleEnd.VmEnded)
            .RunAsync(NeverAsync, CancellationToken.None, aborted.Token);
        await blocked.Sending.Task.WaitAsync(Deadline);
        Assert.Equal(1, reads);
        await aborted.CancelAsync();
        await bridge.WaitAsync(Deadline);
        Assert.Equal(1, reads);
    }

    [Fact]
    public async Task SeveralViewersSeeTheSame()
    {
        await SayAsync("hello");
        var (near, far) = DuplexStream.Pair();
        using var served = WebSocket.CreateFromStream(near, new WebSocketCreationOptions { IsServer = true });
        using var second = WebSocket.CreateFromStream(far, new WebSocketCreationOptions());
        var client = _serial.Attach(withHistory: true);
        var other = new ConsoleBridge(served, client.ReadAsync, client.WriteAsync, ConsoleEnd.VmEnded).RunAsync(NeverAsync, CancellationToken.None, _aborted.Token);
        var bridge = Run();
        Assert.Equal("hello", await ReadAsync(5));
        Assert.Equal("hello", await ReadAsync(5, second));
        await _aborted.CancelAsync();
        await Task.WhenAll(bridge, other).WaitAsync(Deadline);
    }

    [Fact]
    public void EveryReasonFitsIntoACloseFrame() => Assert.All(
        [ConsoleEnd.VmEnded, ConsoleEnd.ScreenClosed, ConsoleEnd.LineLost, ConsoleEnd.AccessLost, ConsoleEnd.DaemonStops],
        end => Assert.InRange(Encoding.UTF8.GetByteCount(end.Reason), 1, 123));

    public void Dispose()
    {
        _viewer.Dispose();
        _served.Dispose();
        _guest.Dispose();
        _stopping.Dispose();
        _aborted.Dispose();
    }

    private Task Run()
    {
        var client = _serial.Attach(withHistory: true);
        return new ConsoleBridge(_served, client.ReadAsync, client.WriteAsync, ConsoleEnd.VmEnded)
            .RunAsync(cancelled => _accessLost.Task.WaitAsync(cancelled), _stopping.Token, _aborted.Token);
    }

    private async Task SayAsync(string text)
    {
        await _guest.WriteAsync(Encoding.ASCII.GetBytes(text));
        await _guest.FlushAsync();
    }

    private Task<string> ReadAsync(int bytes) => ReadAsync(bytes, _viewer);

    private static async Task<string> ReadAsync(int bytes, WebSocket viewer)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        byte[] text = new byte[bytes];
        for (int at = 0; at < bytes;)
        {
            var received = await viewer.ReceiveAsync(text.AsMemory(at), deadline.Token);
            Assert.Equal(WebSocketMessageType.Binary, received.MessageType);
            at += received.Count;
        }

        return Encoding.ASCII.GetString(text);
    }

    private async Task<ConsoleEnd> ClosedAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var received = await _viewer.ReceiveAsync(new byte[100].AsMemory(), deadline.Token);
        Assert.Equal(WebSocketMessageType.Close, received.MessageType);
        await _viewer.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token);
        return new ConsoleEnd(_viewer.CloseStatus!.Value, _viewer.CloseStatusDescription!);
    }

    private async Task LeaveAsync(Task bridge)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await _viewer.CloseAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token);
        await bridge.WaitAsync(Deadline);
    }

    private static Task NeverAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>A viewer's socket on which nothing can be sent.</summary>
    private sealed class BlockedSocket : WebSocket
    {
        public TaskCompletionSource Sending { get; } = new();

        public override WebSocketCloseStatus? CloseStatus => null;
        public override string? CloseStatusDescription => null;
        public override WebSocketState State => WebSocketState.Open;
        public override string? SubProtocol => null;

        public override void Abort()
        {
        }

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
            NeverAsync(cancellationToken);

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
            NeverAsync(cancellationToken);

        public override void Dispose()
        {
        }

        public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
        {
            await NeverAsync(cancellationToken);
            throw new InvalidOperationException();
        }

        public override async Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
        {
            Sending.SetResult();
            await NeverAsync(cancellationToken);
        }
    }
}
