using System.Globalization;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>What stands against a host's joining (pure): all of it at once, each with its remedy.</summary>
internal static class JoinRules
{
    private const string AnotherToken = "Make a new one on a member: lamina cluster token";

    /// <summary>Whether the secret is the token's; else nothing else is said.</summary>
    public static Failure? Token(CacheSnapshot snapshot, string tokenId, string secret)
    {
        var token = snapshot.Get(Keys.JoinTokens, tokenId)?.Record;
        return token is not null && Auth.Secret.HashesEqual(token.SecretSha256, JoinToken.HashOf(secret))
            ? null
            : Misfit("cluster.tokenUnknown", "The cluster does not know this join token: it was never given out, or was swept away after its end.", AnotherToken);
    }

    /// <param name="snapshot">Of the cluster.</param>
    /// <param name="facts">Of the host, whose token was found genuine.</param>
    /// <param name="version">Of the member that is asked.</param>
    /// <param name="now">Its clock.</param>
    /// <param name="unreached">Why the host cannot be reached at its address; null: it is.</param>
    public static IReadOnlyList<Failure> Check(CacheSnapshot snapshot, JoinFacts facts, string version, DateTimeOffset now, string? unreached)
    {
        Failure?[] all =
        [
            Lifetime(snapshot, facts, now),
            Version(snapshot, facts, version),
            Clock(facts, now),
            .. Identity(snapshot, facts),
            Reach(facts, unreached),
            Witness(facts),
            JoinCpu.Misfit(snapshot, facts),
        ];
        return [.. all.OfType<Failure>()];
    }

    private static Failure? Lifetime(CacheSnapshot snapshot, JoinFacts facts, DateTimeOffset now)
    {
        var token = snapshot.Get(Keys.JoinTokens, facts.TokenId)!.Record;
        if (token.UsedBy is { } user && user != facts.HostId)
            return Misfit("cluster.tokenUsed", $"This join token was used already, by the host {snapshot.HostName(user)}.", AnotherToken);
        return token.ExpiresAt > now ? null : Misfit("cluster.tokenExpired", string.Create(CultureInfo.InvariantCulture, $"This join token ended at {token.ExpiresAt:u}."), AnotherToken);
    }

    /// <summary>Every two members must work together, also in the midst of an upgrade.</summary>
    private static Failure? Version(CacheSnapshot snapshot, JoinFacts facts, string version)
    {
        string[] apart = [.. ClusterLevel.VersionsIn(snapshot).Append(version).Distinct().Where(member => !ProgramVersion.WorkTogether(member, facts.Version)).Order(StringComparer.Ordinal)];
        return apart.Length == 0 ? null : Misfit(
            "cluster.version", $"{facts.HostName} runs Lamina {facts.Version}, which does not work together with {string.Join(", ", apart)} in the cluster.", $"Install Lamina {version} on {facts.HostName}.");
    }

    private static Failure? Clock(JoinFacts facts, DateTimeOffset now)
    {
        var skew = facts.Clock - now;
        return skew.Duration() <= HostClocks.Allowed ? null : Misfit(
            "cluster.clock",
            string.Create(CultureInfo.InvariantCulture, $"The clock of {facts.HostName} is {HostClocks.Words(skew)}; {HostClocks.Allowed.TotalSeconds:0} s are allowed."), HostClocks.Remedy);
    }

    private static IEnumerable<Failure> Identity(CacheSnapshot snapshot, JoinFacts facts)
    {
        const string other = "To make it another host, stop its laminad, remove host.json from its data folder, and start it.";
        bool isRetry = snapshot.Get(Keys.JoinTokens, facts.TokenId)?.Record.UsedBy == facts.HostId;
        if (snapshot.Get(Keys.RemovedHosts, facts.HostId) is { } removed)
            yield return Misfit("cluster.hostRemoved", $"The host {facts.HostId} was removed from this cluster as '{removed.Record.Name}', and an identity never comes back.", other);
        else if (!isRetry && snapshot.Get(Keys.Hosts.Spec, facts.HostId) is { } same)
            yield return Misfit("cluster.sameId", $"The cluster has a host with the id {facts.HostId} already, named '{same.Record.Name}': was the data folder copied?", other);
        if (Others(snapshot, facts).Any(host => host.Name == facts.HostName))
            yield return Misfit("cluster.sameName", $"The cluster has a host named '{facts.HostName}' already.", "Give this machine another name (hostnamectl set-hostname NAME) and start laminad again.");
        if (Others(snapshot, facts).FirstOrDefault(host => host.Addresses?.Peer == facts.Addresses.Peer) is { } there)
            yield return Misfit("cluster.sameAddress", $"The host '{there.Name}' of the cluster is at {facts.Addresses.Peer} already.", "Name another address of this host: --address");
    }

    private static IEnumerable<HostSpec> Others(CacheSnapshot snapshot, JoinFacts facts) => snapshot.All(Keys.Hosts.Spec).Where(host => host.Id != facts.HostId).Select(host => host.Record);

    private static Failure? Reach(JoinFacts facts, string? unreached) => unreached is null ? null : Misfit(
        "cluster.unreachable", $"The cluster does not reach {facts.HostName} at {facts.Addresses.Peer}: {unreached}",
        "Let firewalls pass TCP to the ports of the hosts and of etcd there (7444 to 7446), or name another address of this host: --address");

    /// <summary>A witness only votes.</summary>
    private static Failure? Witness(JoinFacts facts)
    {
        string[] vms = [.. facts.Import.Names.Select(claim => claim.Parts()).Where(parts => parts.Kind == "vm").Select(parts => parts.Name)];
        return facts.Witness && vms.Length > 0 ? Misfit(
            "cluster.witnessHasVms", $"A witness runs no VM, and {facts.HostName} has {string.Join(", ", vms)}.", "Let it join as a host: lamina cluster join. Or move its VMs elsewhere first: lamina vm export") : null;
    }

    internal static Failure Misfit(string code, string message, string remedy) => new() { Code = code, Message = message, Remedy = remedy };
}
