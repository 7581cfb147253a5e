using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Networks;

namespace Lamina.Server.Vms.Rules;

/// <summary>The network cards of a new VM: networks, MACs and addresses that nobody has.</summary>
internal static class VmNicRules
{
    public const int MostNics = 8;
    public const string DefaultNetwork = "default";

    public static IReadOnlyList<VmNic> Resolve(IReadOnlyList<VmNicCreate>? asked, VmLookups lookups, InputProblems problems)
    {
        asked ??= [new VmNicCreate()];
        if (asked.Count > MostNics) problems.Add("$.nics", "vm.tooManyNics", $"A VM has at most {MostNics} network cards; these are {asked.Count}.");
        var nics = new List<VmNic>();
        for (int slot = 0; slot < asked.Count; slot++)
        {
            if (ResolveOne(asked[slot], slot, $"$.nics[{slot}]", nics, lookups, problems) is { } nic)
                nics.Add(VmNicFilterRules.Apply(nic, asked[slot].FirewallGroups, asked[slot].InboundKbps, asked[slot].OutboundKbps, $"$.nics[{slot}]", lookups, problems));
        }

        return nics;
    }

    /// <summary>A card that is added to a VM that is there; null: there were problems.</summary>
    public static VmNic? ResolveAdded(VmNicCreate asked, int slot, VmLookups lookups, InputProblems problems) =>
        ResolveOne(asked, slot, "$", [], lookups, problems) is not { } nic ? null
            : VmNicFilterRules.Apply(nic, asked.FirewallGroups, asked.InboundKbps, asked.OutboundKbps, "$", lookups, problems);

    /// <summary>What a patch is merged into.</summary>
    public static VmNicUpdate Changeable(VmNic nic) => new()
    {
        Network = nic.Network,
        Address = nic.Address,
        Link = nic.Link,
        FirewallGroups = nic.FirewallGroups,
        InboundKbps = nic.InboundKbps,
        OutboundKbps = nic.OutboundKbps,
    };

    /// <summary>A card with another network, address, cable, filter or pace; null: there were problems.</summary>
    public static VmNic? Change(VmNic nic, VmNicUpdate update, VmLookups lookups, InputProblems problems) =>
        Move(nic, update, lookups, problems) is { } moved
            ? VmNicFilterRules.Apply(moved, update.FirewallGroups, update.InboundKbps, update.OutboundKbps, "$", lookups, problems)
            : null;

    private static VmNic? Move(VmNic nic, VmNicUpdate update, VmLookups lookups, InputProblems problems)
    {
        var changed = nic with { Link = update.Link ?? NicLink.Up };
        if (nic.Kind == NicKind.User)
        {
            if (update.Network is not null) problems.Add("$.network", "nic.userNetwork", "A card of kind user belongs to no network: remove it, and add one that does.");
            if (update.Address is not null) problems.Add("$.address", "nic.userAddress", "A card of kind user gets its address from QEMU.");
            return changed;
        }

        string name = update.Network ?? DefaultNetwork;
        if (lookups.FindNetwork(name) is not { } network)
        {
            problems.Add("$.network", "network.notFound", $"There is no network '{Suggestions.Shorten(name)}': 'lamina network list' shows those there are.");
            return null;
        }

        bool moves = network.Id != nic.Network;
        if (!moves && update.Address == nic.Address) return changed;
        if (moves && network.Record.Deleting is not null) problems.Add("$.network", "network.deleting", $"Network '{network.Record.Name}' is being deleted: choose another one.");
        // The address in the network that it leaves is no wish for the next one.
        var asked = new VmNicCreate { Address = moves && update.Address == nic.Address ? null : update.Address };
        return changed with { Network = network.Id, Address = Address(asked, "$", network.Id, network.Record, [], lookups, problems) };
    }

    private static VmNic? ResolveOne(VmNicCreate asked, int slot, string path, List<VmNic> others, VmLookups lookups, InputProblems problems)
    {
        string? mac = Mac(asked, path, others, lookups, problems);
        var nic = new VmNic { Slot = slot, Kind = asked.Kind ?? NicKind.Network, Mac = mac ?? "", Model = asked.Model ?? NicModel.Virtio, BootIndex = asked.BootIndex };
        if (nic.Kind == NicKind.User)
        {
            if (asked.Network is not null) problems.Add(path + ".network", "nic.userNetwork", "A card of kind user belongs to no network: leave the network out, or the kind.");
            if (asked.Address is not null) problems.Add(path + ".address", "nic.userAddress", "A card of kind user gets its address from QEMU: leave the address out.");
            return nic;
        }

        string name = asked.Network ?? DefaultNetwork;
        if (lookups.FindNetwork(name) is not { } network)
        {
            problems.Add(path + ".network", "network.notFound", $"There is no network '{Suggestions.Shorten(name)}': 'lamina network list' shows those there are; a card of kind user needs none.");
            return null;
        }

        if (network.Record.Deleting is not null) problems.Add(path + ".network", "network.deleting", $"Network '{network.Record.Name}' is being deleted: choose another one.");
        string? address = Address(asked, path, network.Id, network.Record, others, lookups, problems);
        return nic with { Network = network.Id, Address = address };
    }

    private static string? Mac(VmNicCreate asked, string path, List<VmNic> others, VmLookups lookups, InputProblems problems)
    {
        bool IsTaken(string mac) => lookups.IsMacTaken(mac) || others.Any(nic => nic.Mac == mac);
        if (asked.Mac is null) return AddressAllocator.DrawMac(Random.Shared, IsTaken);
        if (AddressAllocator.NormalizeMac(asked.Mac) is not { } mac)
        {
            problems.Add(path + ".mac", "nic.mac", $"'{Suggestions.Shorten(asked.Mac)}' is no MAC address of a card; 52:54:00:12:34:56 would be one.");
            return null;
        }

        if (IsTaken(mac)) problems.Add(path + ".mac", "nic.macTaken", $"Another card has the MAC address {mac}: choose another one, or leave it out.");
        return mac;
    }

    private static string? Address(
        VmNicCreate asked, string path, string networkId, NetworkSpec network, List<VmNic> others, VmLookups lookups, InputProblems problems)
    {
        bool IsTaken(string address) => lookups.IsAddressTaken(networkId, address) || others.Any(nic => nic.Network == networkId && nic.Address == address);
        if (network.Kind == NetworkKind.Bridge) return LanAddress(asked.Address, path, IsTaken, problems);
        if (Subnet.Parse(network.Subnet) is not { } subnet)
        {
            problems.Add(path + ".network", "network.subnet", $"Network '{network.Name}' has no usable subnet ('{network.Subnet}').");
            return null;
        }

        if (asked.Address is not { } wanted)
        {
            string? next = AddressAllocator.NextFree(subnet, DhcpRange.Parse(network.DhcpRange, subnet), IsTaken);
            if (next is null) problems.Add(path + ".network", "network.full", $"Network '{network.Name}' has no free address left in {network.DhcpRange ?? network.Subnet}: name one by 'address', or widen the range.");
            return next;
        }

        if (Subnet.Normalize(wanted) is not { } address || !subnet.HoldsGuest(address))
            problems.Add(path + ".address", "nic.address", $"'{Suggestions.Shorten(wanted)}' is no address for a guest of network '{network.Name}': they lie between {subnet.Guest(0)} and {subnet.Guest(subnet.GuestCount - 1)}.");
        else if (IsTaken(address)) problems.Add(path + ".address", "nic.addressTaken", $"Another card has the address {address}: choose another one, or leave it out.");
        else return address;
        return null;
    }

    /// <summary>In a LAN an address may be named, which the card is then held to; it is the LAN that gives it.</summary>
    private static string? LanAddress(string? wanted, string path, Func<string, bool> isTaken, InputProblems problems)
    {
        if (wanted is null) return null;
        if (Subnet.Normalize(wanted) is not { } address) problems.Add(path + ".address", "nic.address", $"'{Suggestions.Shorten(wanted)}' is no IPv4 address.");
        else if (isTaken(address)) problems.Add(path + ".address", "nic.addressTaken", $"Another card has the address {address}: choose another one, or leave it out.");
        else return address;
        return null;
    }
}
