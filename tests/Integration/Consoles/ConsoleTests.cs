using System.Net;
using System.Net.WebSockets;
using System.Text;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Engine;
using Lamina.Server.Consoles;
using Lamina.Testing.Media;
using Lamina.Tests.Integration.Engine;

namespace Lamina.Tests.Integration.Consoles;

/// <summary>Consoles of a real guest through TLS, WebSocket and ticket, as a person's client opens them.</summary>
public sealed class ConsoleTests : IAsyncDisposable
{
    private readonly EngineHost _host = new();

    [Fact]
    public async Task The_serial_line_shows_its_history_and_takes_input_from_several_viewers()
    {
        var (server, vm, id) = await BootAsync();
        await using var _ = server;
        await using var __ = vm;
        using var first = await server.Client.Consoles.OpenAsync("web1", ConsoleKind.Serial, _host.Deadline);
        Assert.Equal("binary", first.SubProtocol);
        await WaitForAsync(first, SmallLinux.Ready);
        using var second = await server.Client.Consoles.OpenAsync(id, ConsoleKind.Serial, _host.Deadline);
        await WaitForAsync(second, SmallLinux.Ready);
        await second.SendAsync("echo typed-$((40+2))\n"u8.ToArray(), WebSocketMessageType.Binary, true, _host.Deadline);
        await WaitForAsync(first, "typed-42");
        await WaitForAsync(second, "typed-42");

        await vm.KillAsync(_host.Deadline);
        await WaitForCloseAsync(first);
        Assert.Equal(ConsoleEnd.VmEnded.Reason, first.CloseStatusDescription);
    }

    [Fact]
    public async Task The_screen_greets_as_RFB_and_closes_with_the_VM()
    {
        var (server, vm, _) = await BareAsync();
        await using var __ = server;
        await using var ___ = vm;
        using var viewer = await server.Client.Consoles.OpenAsync("web1", ConsoleKind.Vnc, _host.Deadline);
        Assert.Equal("RFB 003.008\n", await ReadAsync(viewer, 12));

        // RFC 6143, 7.1: version, then security types, of which 1 is none, then the result, then the screen's size.
        await viewer.SendAsync("RFB 003.008\n"u8.ToArray(), WebSocketMessageType.Binary, true, _host.Deadline);
        Assert.Equal("\u0001\u0001", await ReadAsync(viewer, 2));
        await viewer.SendAsync(new byte[] { 1 }, WebSocketMessageType.Binary, true, _host.Deadline);
        Assert.Equal("\0\0\0\0", await ReadAsync(viewer, 4));
        await viewer.SendAsync(new byte[] { 1 }, WebSocketMessageType.Binary, true, _host.Deadline);
        string screen = await ReadAsync(viewer, 24);
        Assert.True(screen[1] > 0 || screen[0] > 0, "the screen has a width");

        await vm.KillAsync(_host.Deadline);
        await WaitForCloseAsync(viewer);
        Assert.Equal(ConsoleEnd.ScreenClosed.Reason, viewer.CloseStatusDescription);
    }

    [Fact]
    public async Task Over_HTTP_2_it_is_the_same()
    {
        var (server, vm, _) = await BareAsync();
        await using var __ = server;
        await using var ___ = vm;
        var ticket = await server.Client.Consoles.CreateTicketAsync("web1", ConsoleKind.Vnc, _host.Deadline);
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await ConnectAsync(socket, server, ticket.Path);
        Assert.Equal("RFB 003.008\n", await ReadAsync(socket, 12));
    }

    [Fact]
    public async Task Only_a_fresh_ticket_for_this_very_console_opens_it()
    {
        var (server, vm, id) = await BareAsync();
        await using var _ = server;
        await using var __ = vm;
        await server.AddAsync("00000000-0000-0000-0000-000000000002", "web2", vm);
        string Path(string of, string kind, string ticket) => $"/v1/vms/{of}/console/{kind}?ticket={ticket}";
        async Task<string> TicketAsync() => (await server.Client.Consoles.CreateTicketAsync(id, ConsoleKind.Serial, _host.Deadline)).Ticket;

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, $"/v1/vms/{id}/console/serial"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, Path(id, "serial", "guessed")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, Path("00000000-0000-0000-0000-000000000002", "serial", await TicketAsync())));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, Path(id, "vnc", await TicketAsync())));
        string ticket = await TicketAsync();
        Assert.Equal(HttpStatusCode.SwitchingProtocols, await StatusAsync(server, Path(id, "serial", ticket)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, Path(id, "serial", ticket)));
    }

    [Fact]
    public async Task Who_may_not_operate_gets_no_ticket_and_a_stopped_VM_has_no_console()
    {
        await using var server = await ConsoleServer.StartAsync(_host.Deadline);
        await server.AddAsync("00000000-0000-0000-0000-000000000001", "web1", null);
        using var viewer = await server.LogInAsync("vera", Role.Viewer, _host.Deadline);
        Assert.Equal("auth.denied", await CodeAsync(() => viewer.Consoles.CreateTicketAsync("web1", ConsoleKind.Serial, _host.Deadline)));
        Assert.Equal("vm.notRunning", await CodeAsync(() => server.Client.Consoles.CreateTicketAsync("web1", ConsoleKind.Serial, _host.Deadline)));
        Assert.Equal("vm.notFound", await CodeAsync(() => server.Client.Consoles.CreateTicketAsync("web9", ConsoleKind.Serial, _host.Deadline)));
    }

    [Fact]
    public async Task A_disabled_user_loses_the_console_at_once()
    {
        var (server, vm, _) = await BareAsync();
        await using var __ = server;
        await using var ___ = vm;
        using var otto = await server.LogInAsync("otto", Role.Operator, _host.Deadline);
        using var console = await otto.Consoles.OpenAsync("web1", ConsoleKind.Serial, _host.Deadline);
        var unused = await otto.Consoles.CreateTicketAsync("web1", ConsoleKind.Serial, _host.Deadline);
        await server.Client.Users.UpdateAsync("otto", new UserUpdate { Disabled = true }, _host.Deadline);
        await WaitForCloseAsync(console);
        Assert.Equal(ConsoleEnd.AccessLost.Reason, console.CloseStatusDescription);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, unused.Path));
    }

    [Fact]
    public async Task The_daemons_end_is_said_and_a_viewer_who_leaves_is_forgotten()
    {
        var (server, vm, _) = await BareAsync();
        await using var __ = server;
        await using var ___ = vm;
        for (int i = 0; i < ConsoleSeats.PerVm + 4; i++)
        {
            using var leaving = await server.Client.Consoles.OpenAsync("web1", ConsoleKind.Serial, _host.Deadline);
            await leaving.CloseAsync(WebSocketCloseStatus.NormalClosure, null, _host.Deadline);
        }

        using var console = await server.Client.Consoles.OpenAsync("web1", ConsoleKind.Serial, _host.Deadline);
        server.Stop();
        await WaitForCloseAsync(console);
        Assert.Equal(ConsoleEnd.DaemonStops.Reason, console.CloseStatusDescription);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private async Task<(ConsoleServer Server, IVm Vm, string Id)> BareAsync() => await ServeAsync(await _host.BareAsync());

    private async Task<(ConsoleServer Server, IVm Vm, string Id)> BootAsync() => await ServeAsync(await _host.SmallLinuxAsync());

    private async Task<(ConsoleServer Server, IVm Vm, string Id)> ServeAsync(VmDefinition definition)
    {
        var vm = await _host.Engine.StartPausedAsync(definition, _host.Deadline);
        await vm.ContinueAsync(permit: null, _host.Deadline);
        var server = await ConsoleServer.StartAsync(_host.Deadline);
        string id = definition.Id.ToString();
        await server.AddAsync(id, "web1", vm);
        return (server, vm, id);
    }

    private async Task<HttpStatusCode> StatusAsync(ConsoleServer server, string path)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        try
        {
            await ConnectAsync(socket, server, path);
            return HttpStatusCode.SwitchingProtocols;
        }
        catch (WebSocketException)
        {
            return socket.HttpStatusCode;
        }
    }

    /// <summary>As a browser does it: no token, only the ticket in the address.</summary>
    private async Task ConnectAsync(ClientWebSocket socket, ConsoleServer server, string path)
    {
        using var handler = new SocketsHttpHandler();
        // Which CA it is, is not what these tests are about.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        await socket.ConnectAsync(new UriBuilder(new Uri(server.Options.Address!, path)) { Scheme = "wss" }.Uri, invoker, _host.Deadline);
    }

    private static async Task<string> CodeAsync(Func<Task> call) => (await Assert.ThrowsAsync<LaminaException>(call)).Problem.Code;

    private async Task WaitForAsync(WebSocket socket, string text)
    {
        var seen = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), _host.Deadline);
            Assert.Equal(WebSocketMessageType.Binary, received.MessageType);
            seen.Append(Encoding.Latin1.GetString(buffer, 0, received.Count));
        }
    }

    private async Task<string> ReadAsync(WebSocket socket, int bytes)
    {
        byte[] read = new byte[bytes];
        for (int at = 0; at < bytes;)
        {
            var received = await socket.ReceiveAsync(read.AsMemory(at), _host.Deadline);
            Assert.Equal(WebSocketMessageType.Binary, received.MessageType);
            at += received.Count;
        }

        return Encoding.Latin1.GetString(read);
    }

    private async Task WaitForCloseAsync(WebSocket socket)
    {
        byte[] buffer = new byte[4096];
        while ((await socket.ReceiveAsync(buffer.AsMemory(), _host.Deadline)).MessageType != WebSocketMessageType.Close)
        {
            // What was under way before the end.
        }
    }
}
