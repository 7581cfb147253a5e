using System.Net;
using System.Net.WebSockets;

namespace Lamina.Api.Client;

/// <summary>Consoles of VMs over WebSockets.</summary>
public sealed class ConsolesClient
{
    private const string BinaryProtocol = "binary";

    private readonly ApiConnection _connection;

    internal ConsolesClient(ApiConnection connection) => _connection = connection;

    public Task<ConsoleTicket> CreateTicketAsync(string vm, ConsoleKind kind, CancellationToken cancellationToken) => _connection.PostAsync(
        ApiPath.Of("vms", vm, "console-ticket").With("project", _connection.Project),
        new ConsoleTicketCreate { Kind = kind },
        ApiJson.Default.ConsoleTicketCreate,
        ApiJson.Default.ConsoleTicket,
        cancellationToken);

    /// <summary>
    /// Opens a console: binary messages both ways; on the serial line the history comes first. When the VM ends, the socket is closed with
    /// a status description that says so. The caller disposes it.
    /// </summary>
    /// <exception cref="LaminaException">The ticket was refused.</exception>
    /// <exception cref="LaminaUnreachableException">The line broke.</exception>
    public async Task<WebSocket> OpenAsync(string vm, ConsoleKind kind, CancellationToken cancellationToken)
    {
        var ticket = await CreateTicketAsync(vm, kind, cancellationToken);
        var (address, invoker) = _connection.WebSocketTarget(ticket.Path);
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol(BinaryProtocol);
            socket.Options.CollectHttpResponseDetails = true;
            await socket.ConnectAsync(address, invoker, cancellationToken);
            return socket;
        }
        catch (WebSocketException failure)
        {
            var status = socket.HttpStatusCode;
            socket.Dispose();
            throw status is 0 or HttpStatusCode.SwitchingProtocols ? _connection.Unreachable(failure) : Refused(status, failure);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // The body of a refused upgrade is not handed out by ClientWebSocket; its status code is.
    private static LaminaException Refused(HttpStatusCode status, WebSocketException failure) => new(new Problem
    {
        Title = "The console was refused",
        Status = (int)status,
        Code = $"http.{(int)status}",
        Detail = $"The console was refused with status {(int)status}: {failure.Message}",
    });
}
