using System.Net.Security;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>
/// Whether this host is a member still. Its records say so while it reaches the store; when it does not, the other members do: a host that was removed while it was away
/// must learn of that before anything else (decision 4). Silence proves nothing.
/// </summary>
internal sealed partial class Standing(Instance instance, HostVoter voter, HostCertificate certificate, Cache cache, DaemonRestart restart, TimeProvider time, ILogger<Standing> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Until cancelled, or until this host has learned that it was removed, and is to be started anew.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!await IsRemovedAsync(cancellationToken)) await Task.Delay(Interval, time, cancellationToken);
        LogRemoved(logger, voter.Membership.ClusterName);
        Departure.Mark(instance, voter.Membership);
        restart.Ask();
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
    }

    /// <summary>Asks the members, where the last known ones are. For the start, too, which has no store to ask yet.</summary>
    public static async Task<bool> AskAsync(Membership membership, HostCertificate certificate, CancellationToken cancellation)
    {
        foreach (string endpoint in membership.Endpoints)
        {
            if (await SaysRemovedAsync(Addresses.PeerOfEtcd(endpoint), certificate, cancellation)) return true;
        }

        return false;
    }

    private async Task<bool> IsRemovedAsync(CancellationToken cancellationToken) =>
        cache.Snapshot.Get(Keys.RemovedHosts, certificate.HostId) is not null
        || (cache.IsStale && voter.Membership.External is null && await AskAsync(voter.Membership, certificate, cancellationToken));

    private static async Task<bool> SaysRemovedAsync(Uri member, HostCertificate certificate, CancellationToken cancellation)
    {
        using var handler = new SocketsHttpHandler { ConnectTimeout = Patience, UseProxy = false, SslOptions = AnyMember(certificate) };
        using var client = new HttpClient(handler) { Timeout = Patience };
        try
        {
            using var response = await client.GetAsync(new Uri(member, "v1"), cancellation);
            if (response.IsSuccessStatusCode) return false;
            var problem = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellation), ApiJson.Default.Problem);
            return problem?.Code == PeerGate.RemovedCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException || (failure is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>Whichever member it is: all of them are believed.</summary>
    private static SslClientAuthenticationOptions AnyMember(HostCertificate certificate) => new()
    {
        LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate.Current,
        RemoteCertificateValidationCallback = (_, shown, _, _) => certificate.HostIdOf(shown as System.Security.Cryptography.X509Certificates.X509Certificate2) is { } id && id != certificate.HostId,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "This host was removed from the cluster {Cluster}: it begins anew, alone")]
    private static partial void LogRemoved(ILogger logger, string cluster);
}
