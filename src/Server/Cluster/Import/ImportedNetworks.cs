using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Networks;

namespace Lamina.Server.Cluster.Import;

/// <summary>What becomes of a network of a joining host.</summary>
/// <param name="Id">Its id.</param>
internal sealed record ImportedNetworkFate(string Id)
{
    /// <summary>Of the cluster's network that takes its place; empty: nothing does, since nobody uses it; null: it comes along.</summary>
    public string? Other { get; init; }

    public string? NewName { get; init; }

    public IReadOnlyList<Failure> Clashes { get; init; } = [];
}

/// <summary>
/// Which networks of a joining host come along (pure). One that the cluster has in the same form becomes the cluster's: every host has its network <c>default</c>. All others come along as
/// they are, if no network of the cluster is in their way, since each network of a cluster is on each of its hosts.
/// </summary>
internal static class ImportedNetworks
{
    public static ImportedNetworkFate FateOf(CacheSnapshot cluster, ImportedNetwork own, string hostName)
    {
        var spec = own.Spec;
        bool isDefault = spec is { Name: HostNetworks.DefaultName, Project: ProjectRecord.DefaultProject };
        var fate = new ImportedNetworkFate(own.Id);
        if (isDefault && !own.IsUsed) return fate with { Other = "" };
        var named = cluster.All(Keys.Networks.Spec).FirstOrDefault(other => other.Record.Name == spec.Name && other.Record.Project == spec.Project);
        Failure[] forwards = [.. Forwards(cluster, own)];
        if (named is not null && IsSameGround(spec, named.Record))
        {
            string[] differences = [.. Differences(spec, named.Record)];
            return fate with { Other = named.Id, Clashes = differences.Length == 0 ? forwards : [Differ(spec, differences), .. forwards] };
        }

        Failure[] clashes = [.. cluster.All(Keys.Networks.Spec).Select(other => InTheWay(spec, other.Record)).OfType<Failure>(), .. forwards];
        return fate with { NewName = isDefault && named is not null && named.Id != own.Id ? $"{spec.Name}-{hostName}" : null, Clashes = clashes };
    }

    /// <summary>The same subnet, or the same bridge that somebody else has made.</summary>
    private static bool IsSameGround(NetworkSpec one, NetworkSpec other) => one.Kind == other.Kind && one.Kind switch
    {
        NetworkKind.Bridge => one.Bridge is { Existing: true } && other.Bridge is { Existing: true } && one.Bridge.Device == other.Bridge.Device,
        _ => one.Subnet == other.Subnet,
    };

    private static IEnumerable<string> Differences(NetworkSpec one, NetworkSpec other)
    {
        if (one.Mtu != other.Mtu) yield return $"its MTU is {one.Mtu} and not {other.Mtu}";
        if (one.Ipv6Subnet != other.Ipv6Subnet) yield return $"its IPv6 network is {one.Ipv6Subnet ?? "none"} and not {other.Ipv6Subnet ?? "none"}";
        if (one.DnsDomain != other.DnsDomain) yield return $"its domain is {one.DnsDomain ?? "none of its own"} and not {other.DnsDomain ?? "none of its own"}";
        if (one.Dhcp != other.Dhcp) yield return one.Dhcp ? "it has DHCP" : "it has no DHCP";
    }

    private static Failure Differ(NetworkSpec spec, IReadOnlyList<string> differences) => ImportPlan.Clash(
        "cluster.networkDiffers", $"The network {spec.Name} is to become the cluster's, which has the same subnet, but {string.Join(", ", differences)}.",
        $"Make them alike on one of the two sides: lamina network set {spec.Name} --help");

    private static Failure? InTheWay(NetworkSpec own, NetworkSpec other)
    {
        if (own.Bridge is { } bridge && other.Bridge?.Device == bridge.Device) return ImportPlan.Clash(
            "cluster.deviceTaken", $"The network {own.Name} stands on {bridge.Device}, and so does the cluster's network {other.Name} on each host that has it.",
            $"Move the cards to another network (lamina vm nic set VM SLOT --network NAME) and delete {own.Name}; when the host has joined, use {other.Name}.");
        if (Subnet.Parse(own.Subnet) is { } subnet && Subnet.Parse(other.Subnet)?.Overlaps(subnet) == true) return ImportPlan.Clash(
            "cluster.subnetTaken", $"The network {own.Name} has {own.Subnet}, which overlaps with {other.Subnet} of the cluster's network {other.Name}.",
            "Put the cards into another network (lamina vm nic set VM SLOT --network NAME), then give one of the two another subnet: lamina network set NAME --subnet SUBNET");
        return own.Ipv6Subnet is { } ipv6 && Ipv6Subnet.Parse(other.Ipv6Subnet) == Ipv6Subnet.Parse(ipv6) ? ImportPlan.Clash(
            "cluster.subnetTaken", $"The network {own.Name} has {ipv6}, and so has the cluster's network {other.Name}.", $"Give one of the two another: lamina network set {own.Name} --ipv6 auto") : null;
    }

    private static IEnumerable<Failure> Forwards(CacheSnapshot cluster, ImportedNetwork own) =>
        from forward in own.Spec.Forwards
        from other in cluster.All(Keys.Networks.Spec)
        where other.Record.Forwards.Any(there => there.Id != forward.Id && ForwardRules.Clash(forward, there))
        select ImportPlan.Clash(
            "cluster.forwardTaken", $"{forward.Protocol.ToString().ToLowerInvariant()} port {forward.Port} leads into the network {own.Spec.Name}, and on the cluster's hosts into {other.Record.Name}.",
            "Remove one of the two: lamina network forward --help");
}
