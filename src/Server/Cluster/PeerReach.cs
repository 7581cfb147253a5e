using System.Net.Sockets;
using System.Text;

namespace Lamina.Server.Cluster;

/// <summary>Whether this host reaches another one at an address at which that one says a random word meanwhile: see <see cref="JoinEcho"/>.</summary>
internal static class PeerReach
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <returns>Why not; null: it does.</returns>
    public static async Task<string?> ProblemAsync(string peer, string nonce, TimeProvider time, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            var address = new Uri($"https://{peer}");
            using var line = new TcpClient();
            await line.ConnectAsync(address.DnsSafeHost, address.Port, either.Token);
            byte[] said = new byte[nonce.Length];
            await line.GetStream().ReadExactlyAsync(said, either.Token);
            return Encoding.ASCII.GetString(said) == nonce ? null : "another machine answers there.";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"no answer within {Patience.TotalSeconds:0} s.";
        }
        catch (Exception failure) when (failure is SocketException or IOException or UriFormatException)
        {
            return failure.Message;
        }
    }
}
