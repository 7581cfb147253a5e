using System.Net.Sockets;
using System.Text;

namespace Lamina.Server;

/// <summary>Tells systemd how we are (sd_notify(3)); without it, nothing happens.</summary>
internal static class ServiceManager
{
    /// <param name="state">For example <c>READY=1</c>.</param>
    public static void Notify(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } address) return;
        // '@' stands for the NUL of an abstract address.
        string path = address[0] == '@' ? '\0' + address[1..] : address;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            // Nobody listens: we run all the same.
        }
    }
}
