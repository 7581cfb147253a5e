using System.Text.Json.Serialization.Metadata;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>Asks a member something about an address of this host; a member that is silent is a reason as well.</summary>
internal static class AddressAsks
{
    /// <returns>Why not; null: it agrees.</returns>
    public static async Task<string?> ProblemAsync<T>(
        PeerClient peers, string hostId, string path, T question, JsonTypeInfo<T> type, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return (await peers.PostAsync(hostId, path, question, type, ClusterJson.Default.AddressAnswer, either.Token)).Problem;
        }
        catch (ProblemException silent)
        {
            return silent.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return "it does not answer.";
        }
    }
}
