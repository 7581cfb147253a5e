using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Server.Auth;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Networks;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// The first start of a host as a member of a cluster: what it had in the store that it has left comes into the cluster's, before anything else acts on it. Its guests run on meanwhile, and are
/// taken up again afterwards as after each restart. A daemon that dies in between goes on with it at its next start.
/// </summary>
internal static class Arriving
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CachePatience = TimeSpan.FromSeconds(30);

    /// <returns>The member, as it is then.</returns>
    /// <exception cref="DaemonRestartException">This host was removed from the cluster meanwhile.</exception>
    public static async Task<ClusterStart?> CompleteAsync(
        Instance instance, ObjectReference host, ClusterStart? member, IStore store, Cache cache, TimeProvider time, CancellationToken cancellation)
    {
        if (member?.Membership.Import is not { } mapping) return member;
        await cache.WaitForRevisionAsync(await ImportAsync(instance, host, member, mapping, store, time, cancellation), CachePatience, cancellation);
        foreach (string network in mapping.Networks.Keys) await RemoveAsync(instance, network, time, cancellation);
        var arrived = member.Membership with { Import = null };
        arrived.Write(instance);
        File.Delete(SecretFiles.FormerBox(instance));
        return member with { Membership = arrived };
    }

    private static async Task<long> ImportAsync(
        Instance instance, ObjectReference host, ClusterStart member, ImportMapping mapping, IStore store, TimeProvider time, CancellationToken cancellation)
    {
        using var left = new LeftStore(instance.StoreDirectory);
        using var before = SecretBox.Open(SecretFiles.FormerBox(instance));
        using var after = SecretBox.Open(SecretFiles.Box(instance));
        var events = new EventLog(time, host.Name!);
        while (true)
        {
            try
            {
                return await new StoreImport(left, store, new ImportedRecords(mapping, before, after), host, events, time).RunAsync(mapping, cancellation);
            }
            catch (ImportRefusedException)
            {
                Departure.Mark(instance, member.Membership);
                throw new DaemonRestartException();
            }
            catch (Exception away) when (away is StoreUnavailableException or StoreOutcomeUnknownException)
            {
                await Task.Delay(Pause, time, cancellation);
            }
        }
    }

    /// <summary>Its subnet is another network's from now on, whose bridge takes up the cards of guests that run.</summary>
    private static async Task RemoveAsync(Instance instance, string network, TimeProvider time, CancellationToken cancellation)
    {
        using var server = new DnsmasqServer(NetworkSweep.FolderOf(instance, network), instance.DnsmasqUserId);
        await server.RemoveAsync(time, cancellation);
        using var netlink = new Netlink();
        string bridge = instance.LinkName(network, NetworkPlan.BridgeSlot);
        if (netlink.FindLink(bridge) is { } link && link.Alias == instance.LinkOwner(network, NetworkPlan.BridgeSlot)) netlink.DeleteLink(bridge);
    }
}
