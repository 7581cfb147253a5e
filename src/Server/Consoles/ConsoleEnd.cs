using System.Net.WebSockets;

namespace Lamina.Server.Consoles;

/// <summary>Why a console was closed from here, as its viewer reads it (at most 123 bytes, RFC 6455, 5.5).</summary>
internal sealed record ConsoleEnd(WebSocketCloseStatus Status, string Reason)
{
    public static ConsoleEnd VmEnded { get; } = new(WebSocketCloseStatus.NormalClosure, "The virtual machine has ended.");

    public static ConsoleEnd ScreenClosed { get; } = new(WebSocketCloseStatus.NormalClosure, "The virtual machine closed its screen, as it does when it ends.");

    public static ConsoleEnd LineLost { get; } = new(WebSocketCloseStatus.EndpointUnavailable, "The virtual machine's line broke. Connect again.");

    public static ConsoleEnd AccessLost { get; } = new(WebSocketCloseStatus.PolicyViolation, "Your right to use this console was taken back.");

    public static ConsoleEnd DaemonStops { get; } = new(WebSocketCloseStatus.EndpointUnavailable, "The daemon stops; the guest runs on. Connect again.");
}
