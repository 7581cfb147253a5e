using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>
/// Whether this host is a member still, and of the store that counts. Its records say the former while it reaches the store; the other members say both: a host that was removed
/// while it was away (decision 4), or a voter of a store that was given up, must learn of that before anything else. Silence proves nothing.
/// </summary>
internal sealed partial class Standing(
    Instance instance, HostVoter voter, HostCertificate certificate, TlsIdentity tls, Cache cache, DaemonRestart restart, TimeProvider time, ILogger<Standing> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // A voter of a store that was given up may have found others of its kind: they are a majority then, and nothing is stale.
    private static readonly TimeSpan VoterInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private long? _asked;

    /// <summary>Until cancelled, or until this host has learned that it must begin anew.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!await MustBeginAnewAsync(cancellationToken)) await Task.Delay(Interval, time, cancellationToken);
        restart.Ask();
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
    }

    /// <summary>Asks the members that are known, for the start, which has no store to ask yet, and writes down what is to follow.</summary>
    /// <returns>Whether the daemon must begin anew: this host was removed, or its store was given up.</returns>
    public static async Task<bool> FindAsync(Instance instance, Membership membership, HostCertificate certificate, TlsIdentity tls, CancellationToken cancellation)
    {
        var verdict = await AskAsync(instance, membership, certificate, tls, cancellation);
        if (verdict.Removed) Departure.Mark(instance, membership);
        else if (verdict.Recovery is { } recovery) (membership with { Recovery = recovery }).Write(instance);
        return verdict.Removed || verdict.Recovery is not null;
    }

    private async Task<bool> MustBeginAnewAsync(CancellationToken cancellationToken)
    {
        var membership = voter.Membership;
        var verdict = cache.Snapshot.Get(Keys.RemovedHosts, certificate.HostId) is not null ? new Verdict(true, null)
            : membership.External is null && IsTime(membership) ? await AskAsync(instance, membership, certificate, tls, cancellationToken)
            : new Verdict(false, null);
        if (verdict.Removed)
        {
            LogRemoved(logger, membership.ClusterName);
            Departure.Mark(instance, membership);
            return true;
        }

        if (verdict.Recovery is not { } recovery) return false;
        LogReplaced(logger, recovery.At, recovery.Generation);
        await voter.SealAsync(recovery, cancellationToken);
        return true;
    }

    private bool IsTime(Membership membership)
    {
        if (!cache.IsStale && (membership.EtcdMember is null || (_asked is { } before && time.GetElapsedTime(before) < VoterInterval))) return false;
        _asked = time.GetTimestamp();
        return true;
    }

    private static async Task<Verdict> AskAsync(Instance instance, Membership membership, HostCertificate certificate, TlsIdentity tls, CancellationToken cancellation)
    {
        string own = Addresses.Of(instance, membership.Address).Peer;
        // Whoever votes has to ask everybody: the store may have been recovered on a host that did not.
        var others = membership.Endpoints.Select(Addresses.PeerOfEtcd).Concat(membership.EtcdMember is null ? [] : membership.Peers.Select(peer => new Uri($"https://{peer}/")));
        var asked = others.Where(other => other.Authority != new Uri($"https://{own}/").Authority).Distinct().Select(other => AskOneAsync(other, certificate, cancellation));
        var answers = await Task.WhenAll(asked);
        string store = StoreChoice.IdOf(instance.StoreDirectory);
        var recovery = answers.Select(answer => answer.Recovery).OfType<RecoveryRecord>()
            .Where(found => RecoverySeal.Holds(tls, found, membership.ClusterId) && RecoverySeal.Replaces(found, store, membership.Recovery))
            .OrderByDescending(found => found.Generation).ThenByDescending(found => found.At)
            .FirstOrDefault();
        return new Verdict(answers.Any(answer => answer.Removed) && recovery is null, recovery);
    }

    private static async Task<Verdict> AskOneAsync(Uri member, HostCertificate certificate, CancellationToken cancellation)
    {
        using var handler = new SocketsHttpHandler { ConnectTimeout = Patience, UseProxy = false, SslOptions = AnyMember(certificate) };
        using var client = new HttpClient(handler) { Timeout = Patience };
        try
        {
            using var response = await client.GetAsync(new Uri(member, StandingDesk.Path), cancellation);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation);
            if (response.IsSuccessStatusCode) return new Verdict(false, JsonSerializer.Deserialize(body, ClusterJson.Default.StandingAnswer)?.Recovery);
            return new Verdict(JsonSerializer.Deserialize(body, ApiJson.Default.Problem)?.Code == PeerGate.RemovedCode, null);
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException || (failure is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            return new Verdict(false, null);
        }
    }

    /// <summary>Whichever member it is: all of them are believed.</summary>
    private static SslClientAuthenticationOptions AnyMember(HostCertificate certificate) => new()
    {
        LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate.Current,
        RemoteCertificateValidationCallback = (_, shown, _, _) => certificate.HostIdOf(shown as X509Certificate2) is { } id && id != certificate.HostId,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "This host was removed from the cluster {Cluster}: it begins anew, alone")]
    private static partial void LogRemoved(ILogger logger, string cluster);

    [LoggerMessage(Level = LogLevel.Error, Message = "The cluster's store was recovered on {At:u} without this host, in generation {Generation}: the copy here counts no more, its etcd is stopped, and this host turns to the new store. Guests run on")]
    private static partial void LogReplaced(ILogger logger, DateTimeOffset at, long generation);

    /// <param name="Removed">This host is a member no more.</param>
    /// <param name="Recovery">By which its store was replaced; null: it was not, as far as anybody says.</param>
    private sealed record Verdict(bool Removed, RecoveryRecord? Recovery);
}
