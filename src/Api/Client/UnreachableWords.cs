using System.Net.Sockets;
using System.Security.Authentication;

namespace Lamina.Api.Client;

/// <summary>Says in human words why no answer came, and what to do.</summary>
internal static class UnreachableWords
{
    public static string For(string server, Exception cause) => Innermost(cause) switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => $"Nothing listens at {server}. Is the daemon running (`systemctl status lamina`, or `./dev up`)?",
        SocketException { SocketErrorCode: SocketError.AccessDenied } => $"You may not use {server}. Join the group `lamina` (`usermod -aG lamina NAME`, then log in anew), or use a context with a token.",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData } => $"The name in {server} is not known here.",
        // .NET tells a missing Unix socket (ENOENT) so.
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } => $"{server} does not exist. Is the daemon running (`systemctl status lamina`, or `./dev up`)?",
        AuthenticationException failure => $"The certificate of {server} is not trusted: {failure.Message} Pin its CA in a context by the fingerprint that the daemon printed.",
        OperationCanceledException => $"{server} did not answer in time.",
        var failure => $"{server} could not be reached: {failure.Message}",
    };

    private static Exception Innermost(Exception failure)
    {
        for (var current = failure; current is not null; current = current.InnerException)
        {
            if (current is SocketException or AuthenticationException || current.InnerException is null) return current;
        }

        return failure;
    }
}
