using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>What stands against another address of a member (pure): all of it at once.</summary>
internal static class AddressRules
{
    /// <param name="snapshot">Of the cluster.</param>
    /// <param name="hostId">Whose address it shall be.</param>
    /// <param name="now">Its address.</param>
    /// <param name="wanted">Its next one: this machine's.</param>
    /// <param name="peer">The same with the port for the hosts.</param>
    /// <param name="unreached">By the ids of live members: why they do not reach it there.</param>
    public static IReadOnlyList<Failure> Check(CacheSnapshot snapshot, string hostId, string now, string wanted, string peer, IReadOnlyDictionary<string, string> unreached)
    {
        string name = snapshot.HostName(hostId);
        Failure?[] all =
        [
            now == wanted ? Refusal("cluster.sameAddress", $"'{name}' is at {wanted} already.", "See 'lamina cluster status'.") : null,
            .. snapshot.All(Keys.Hosts.Spec)
                .Where(host => host.Id != hostId && host.Record.Addresses?.Peer == peer)
                .Select(host => Refusal("cluster.sameAddress", $"The host '{host.Record.Name}' of the cluster is at {peer} already.", "Name another address of this host.")),
            .. unreached.OrderBy(pair => snapshot.HostName(pair.Key), StringComparer.Ordinal).Select(pair => Refusal(
                "cluster.unreachable", $"'{snapshot.HostName(pair.Key)}' does not reach this host at {peer}: {pair.Value}", "Let firewalls pass TCP to the ports 7444 to 7446 there, or name another address.")),
            Quorum(snapshot, hostId),
        ];
        return [.. all.OfType<Failure>()];
    }

    /// <summary>The host's etcd begins anew: without it a majority must be left, or, where it votes alone, all others must learn where it is.</summary>
    private static Failure? Quorum(CacheSnapshot snapshot, string hostId)
    {
        string[] voters = [.. snapshot.All(Keys.Hosts.Voter).Where(voter => voter.Record is { Member: not null, IsLearner: false }).Select(voter => voter.Id)];
        if (!voters.Contains(hostId)) return null;
        var needed = voters.Length == 1 ? snapshot.All(Keys.Hosts.Spec).Select(host => host.Id) : voters;
        string[] silent = [.. needed.Where(id => id != hostId && !HostPresence.IsLive(snapshot, id)).Select(snapshot.HostName).Order(StringComparer.Ordinal)];
        if (silent.Length == 0 || (voters.Length > 1 && voters.Length - silent.Length - 1 > voters.Length / 2)) return null;
        return voters.Length == 1
            ? Refusal("cluster.othersSilent", $"This host alone keeps the cluster's store, and {string.Join(", ", silent)} would not find it at another address.", "Wait until all hosts are there (if this machine has lost its former address, give it back beside the new one for so long), or remove those that are gone: lamina host remove HOST --dead")
            : Refusal("cluster.quorum", $"This host votes on the cluster's store, and while its etcd begins anew too few are left: {string.Join(", ", silent)} {(silent.Length == 1 ? "is" : "are")} silent.", "Wait until they are back.");
    }

    private static Failure Refusal(string code, string message, string remedy) => new() { Code = code, Message = message, Remedy = remedy };
}
