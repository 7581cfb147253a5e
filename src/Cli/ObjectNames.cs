using Lamina.Api.Client;

namespace Lamina.Cli;

/// <summary>Names for the ids that records bear; an id that nobody knows any more is shown as it is.</summary>
internal sealed class ObjectNames
{
    private readonly Dictionary<string, string> names = [];

    public string Of(string id) => names.GetValueOrDefault(id, id);

    /// <summary>Of both.</summary>
    public ObjectNames With(ObjectNames others)
    {
        foreach (var (id, name) in others.names) names[id] = name;
        return this;
    }

    public static async Task<ObjectNames> OfHostsAsync(LaminaClient client, CancellationToken cancellationToken)
    {
        var known = new ObjectNames();
        await foreach (var host in client.Hosts.ListAsync(cancellationToken)) known.names[host.Id] = host.Name;
        return known;
    }

    public static async Task<ObjectNames> OfVmsAsync(LaminaClient client, CancellationToken cancellationToken)
    {
        var known = new ObjectNames();
        await foreach (var vm in client.Vms.ListAsync(cancellationToken)) known.names[vm.Id] = vm.Name;
        return known;
    }

    /// <summary>Of what a disk speaks of: pools, images, VMs, other disks.</summary>
    public static async Task<ObjectNames> OfDisksAsync(LaminaClient client, CancellationToken cancellationToken)
    {
        var known = await OfVmsAsync(client, cancellationToken);
        await foreach (var pool in client.Pools.ListAsync(cancellationToken)) known.names[pool.Id] = pool.Name;
        await foreach (var image in client.Images.ListAsync(cancellationToken)) known.names[image.Id] = image.Name;
        await foreach (var disk in client.Disks.ListAsync(cancellationToken)) known.names[disk.Id] = disk.Name;
        return known;
    }

    /// <summary>Of what a firewall rule or a card speaks of: groups and networks.</summary>
    public static async Task<ObjectNames> OfFirewallAsync(LaminaClient client, CancellationToken cancellationToken)
    {
        var known = await OfVmsAsync(client, cancellationToken);
        await foreach (var group in client.FirewallGroups.ListAsync(cancellationToken)) known.names[group.Id] = group.Name;
        await foreach (var network in client.Networks.ListAsync(cancellationToken)) known.names[network.Id] = network.Name;
        return known;
    }

    public static async Task<ObjectNames> OfAllAsync(LaminaClient client, CancellationToken cancellationToken)
    {
        var known = await OfHostsAsync(client, cancellationToken);
        await foreach (var network in client.Networks.ListAsync(cancellationToken)) known.names[network.Id] = network.Name;
        await foreach (var iso in client.Isos.ListAsync(cancellationToken)) known.names[iso.Id] = iso.Name;
        await foreach (var disk in client.Disks.ListAsync(cancellationToken)) known.names[disk.Id] = disk.Name;
        return known;
    }
}
