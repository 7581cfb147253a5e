using System.Net.Sockets;
using System.Net.WebSockets;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Linux.Files;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Vms;

namespace Lamina.Server.Consoles;

/// <summary>
/// Consoles of VMs: a ticket by POST, then a WebSocket with binary messages that the ticket opens (noVNC and xterm.js as they are). The ticket
/// stands for its maker, so that the WebSocket itself needs no other authentication.
/// </summary>
/// <param name="running">The VM that runs under an id on this host; null: none does.</param>
/// <param name="cache">For rights.</param>
/// <param name="time">Of tickets.</param>
/// <param name="stopping">Fires when the daemon stops.</param>
internal sealed class ConsoleEndpoints(Func<string, IVm?> running, Cache cache, TimeProvider time, CancellationToken stopping)
{
    private const string BinaryProtocol = "binary";

    private readonly ConsoleTickets _tickets = new(time);
    private readonly ConsoleSeats _seats = new();
    private readonly ConsoleAccess _access = new(cache, time);

    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/console-ticket", Permission.Operate, "Gives a ticket that opens a console once, within 30 seconds", CreateTicketAsync)
            .Takes(ApiJson.Default.ConsoleTicketCreate).Answers(ApiJson.Default.ConsoleTicket, StatusCodes.Status201Created)
            .OnHost(VmViews.HostOf)
            .Problems("vm.notFound", "vm.notRunning", "console.tooManyTickets");
        MapSocket(api, ConsoleKind.Serial, "The serial line as a WebSocket: its history, then what comes; what is sent is typed");
        MapSocket(api, ConsoleKind.Vnc, "The screen as a WebSocket: RFB 3.8 in binary messages");
    }

    private void MapSocket(ApiRoutes api, ConsoleKind kind, string summary) => api
        .Raw(HttpMethods.Get, $"/v1/vms/{{vm}}/console/{Word(kind)}", Permission.Public, summary, request => OpenAsync(request, kind))
        .Query("ticket", "From POST /v1/vms/{vm}/console-ticket; it is spent by this.")
        .AnswersNothing(StatusCodes.Status101SwitchingProtocols)
        .OnHost(VmViews.HostOf)
        .Problems("console.ticketInvalid", "console.noWebSocket", "vm.notRunning", "console.tooMany");

    private async ValueTask<ApiAnswer> CreateTicketAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.ConsoleTicketCreate);
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        RequireRunning(vm.Id, vm.Record.Name);
        var grant = new ConsoleGrant
        {
            Identity = Authentication.Of(request.Http)!,
            VmId = vm.Id,
            VmName = vm.Record.Name,
            Project = request.Project,
            Kind = body.Kind,
        };
        string ticket = _tickets.Issue(grant);
        var answer = new ConsoleTicket
        {
            Ticket = ticket,
            ExpiresAt = time.GetUtcNow() + ConsoleTickets.Lifetime,
            Path = $"/v1/vms/{vm.Id}/console/{Word(body.Kind)}?ticket={ticket}",
        };
        // The change consists of the audit entry alone: who looked at whose screen is worth knowing.
        return await request.CommitAsync(
            new StoreChange("console.ticket"),
            ApiAnswer.Created(answer, ApiJson.Default.ConsoleTicket, answer.Path),
            new ObjectReference { Kind = "vm", Id = vm.Id, Name = vm.Record.Name });
    }

    private async Task OpenAsync(ApiRequest request, ConsoleKind kind)
    {
        var http = request.Http;
        if (!http.WebSockets.IsWebSocketRequest) throw new ProblemException(
            ProblemKind.Invalid, "console.noWebSocket", "A console is a WebSocket.", "Connect with a WebSocket client; 'lamina vm console NAME' is one.");
        var grant = _tickets.Redeem(request.Query("ticket"), request.Route("vm"), kind);
        if (grant is null || !_access.IsAllowed(grant)) throw new ProblemException(
            ProblemKind.Unauthenticated, "console.ticketInvalid", "The ticket is missing, used, too old, or for another console.", "Get a new one with POST /v1/vms/{vm}/console-ticket.");
        var vm = RequireRunning(grant.VmId, grant.VmName);
        using var seat = _seats.Take(grant.VmId, grant.VmName);
        if (kind == ConsoleKind.Vnc) await BridgeVncAsync(http, grant, vm);
        else await BridgeSerialAsync(http, grant, vm);
    }

    private async Task BridgeSerialAsync(HttpContext http, ConsoleGrant grant, IVm vm)
    {
        var client = vm.Serial.Attach(withHistory: true);
        using var socket = await AcceptAsync(http);
        var bridge = new ConsoleBridge(socket, client.ReadAsync, client.WriteAsync, ConsoleEnd.VmEnded);
        await bridge.RunAsync(lost => _access.LostAsync(grant, lost), stopping, http.RequestAborted);
    }

    private async Task BridgeVncAsync(HttpContext http, ConsoleGrant grant, IVm vm)
    {
        var (ours, theirs) = FdPassing.CreatePair();
        using var line = new NetworkStream(new Socket(ours), ownsSocket: true);
        // QEMU has its own descriptor of it from here on; ours must close, or its end would never be seen.
        using (theirs) await vm.AddVncClientAsync(theirs, http.RequestAborted);
        using var socket = await AcceptAsync(http);
        var bridge = new ConsoleBridge(socket, line.ReadAsync, line.WriteAsync, ConsoleEnd.ScreenClosed);
        await bridge.RunAsync(lost => _access.LostAsync(grant, lost), stopping, http.RequestAborted);
    }

    private IVm RequireRunning(string id, string name) => running(id) ?? throw ProblemException.Conflict(
        "vm.notRunning", $"'{name}' does not run, so it has no console.", $"Start it with 'lamina vm start {name}'.");

    private static Task<WebSocket> AcceptAsync(HttpContext http) => http.WebSockets.AcceptWebSocketAsync(
        http.WebSockets.WebSocketRequestedProtocols.Contains(BinaryProtocol) ? BinaryProtocol : null);

    private static string Word(ConsoleKind kind) => kind == ConsoleKind.Vnc ? "vnc" : "serial";
}
