using System.Net;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Networks;

/// <summary>Which networks there may be (pure: over what <see cref="NetworkWorld"/> shows). Every problem is reported at once.</summary>
internal static class NetworkRules
{
    public const int MostNetworks = 64;

    public const string Automatic = "auto";
    public const string None = "none";

    private const int LeastMtu = 576;
    private const int LeastIpv6Mtu = 1280; // RFC 8200, section 5
    private const int MostMtu = 9000;
    private const int DefaultMtu = 1450;
    private const int LanMtu = 1500;
    private const int LeastConfirmSeconds = 10;
    private const int MostConfirmSeconds = 600;
    private const int DefaultConfirmSeconds = 60;
    private const int MostVlan = 4094; // IEEE 802.1Q: 0 is no VLAN, 4095 is reserved

    /// <summary>Words of the CLI where a network's name may stand.</summary>
    private static readonly string[] Reserved = ["user", "none", "all"];

    /// <exception cref="InputException">All problems.</exception>
    public static NetworkSpec Create(NetworkCreate asked, string project, NetworkWorld world, DateTimeOffset now)
    {
        var problems = new InputProblems();
        CheckName(asked.Name, problems);
        if (world.Networks.Count() >= MostNetworks)
            problems.Add("$.name", "network.tooMany", $"There are {MostNetworks} networks already: delete those that nothing uses (lamina network list).");
        var kind = asked.Kind ?? (asked.Bridge is null ? NetworkKind.Nat : NetworkKind.Bridge);
        if (kind == NetworkKind.Bridge != asked.Bridge is not null)
            problems.Add("$.bridge", "network.bridge", kind == NetworkKind.Bridge ? "A network of kind bridge names the host's card or bridge: bridge, for example eth1." : $"A network of kind {kind.ToString().ToLowerInvariant()} stands on no device of the host: leave out the bridge, or the kind.");
        var spec = new NetworkSpec { Name = asked.Name, Project = project, CreatedAt = now, Kind = kind };
        spec = kind == NetworkKind.Bridge ? Lan(spec, asked, world, problems) : Own(spec, asked, world, problems);
        problems.ThrowIfAny();
        return spec;
    }

    /// <summary>What may be changed, as it is.</summary>
    public static NetworkUpdate Changeable(NetworkSpec spec) => new()
    {
        Name = spec.Name,
        Subnet = spec.Subnet,
        Ipv6 = spec.Ipv6Subnet,
        DnsDomain = spec.DnsDomain,
        Mtu = spec.Mtu,
        Dhcp = spec.Dhcp,
        DhcpRange = spec.DhcpRange,
        Vlan = spec.Bridge?.Vlan,
        ConfirmSeconds = spec.Bridge is { Vlan: null } bridge ? bridge.ConfirmSeconds : null,
    };

    /// <exception cref="InputException">All problems.</exception>
    public static NetworkSpec Update(CachedRecord<NetworkSpec> network, NetworkUpdate update, NetworkWorld world)
    {
        var problems = new InputProblems();
        var spec = network.Record;
        if (update.Name is { } name && name != spec.Name) CheckName(name, problems);
        if (spec.Name == HostNetworks.DefaultName && update.Name != spec.Name)
            problems.Add("$.name", "network.default", "The network 'default' keeps its name: new cards are plugged into it when none is named.");
        spec = spec with { Name = update.Name ?? spec.Name };
        if (spec.Kind == NetworkKind.Bridge) spec = ChangeLan(network, spec, update, world, problems);
        else spec = ChangeOwn(network, spec, update, world, problems);
        problems.ThrowIfAny();
        return spec;
    }

    private static NetworkSpec Own(NetworkSpec spec, NetworkCreate asked, NetworkWorld world, InputProblems problems)
    {
        var subnet = asked.Subnet ?? SubnetRules.FindFree(world)?.ToString();
        if (subnet is null) problems.Add("$.subnet", "network.noSubnet", "No subnet of 10.201.0.0/16 is free: name one.");
        else SubnetRules.Check(subnet, spec.Name, null, world, problems);
        RefuseBridgeOnly(asked.Vlan, asked.ConfirmSeconds, problems);
        var ipv6 = Ipv6(asked.Ipv6 ?? Automatic, null, null, world, problems);
        CheckMtu(asked.Mtu, ipv6 is not null, problems);
        CheckDomain(asked.DnsDomain, problems);
        CheckRange(asked.DhcpRange, subnet, problems);
        return spec with
        {
            Subnet = subnet,
            Ipv6Subnet = ipv6,
            Mtu = asked.Mtu ?? DefaultMtu,
            DnsDomain = asked.DnsDomain,
            Dhcp = asked.Dhcp ?? true,
            DhcpRange = asked.DhcpRange,
        };
    }

    private static NetworkSpec Lan(NetworkSpec spec, NetworkCreate asked, NetworkWorld world, InputProblems problems)
    {
        RefuseOwn([("subnet", asked.Subnet), ("ipv6", asked.Ipv6), ("dnsDomain", asked.DnsDomain), ("dhcp", asked.Dhcp), ("dhcpRange", asked.DhcpRange)], problems);
        CheckMtu(asked.Mtu, isIpv6: false, problems);
        CheckConfirm(asked.Vlan, asked.ConfirmSeconds, problems);
        CheckVlan(asked.Vlan, problems);
        if (asked.Bridge is not { } device) return spec;
        var facts = world.UplinkOf(device);
        if (FindOn(device, asked.Vlan, null, world) is { } taken)
            problems.Add(asked.Vlan is null ? "$.bridge" : "$.vlan", "network.deviceUsed", $"Network '{taken.Record.Name}' stands on {Place(device, asked.Vlan)} already: use that one.");
        else if ((asked.Vlan is { } vlan ? UplinkRules.RefuseVlan(facts, vlan) : UplinkRules.Refuse(facts)) is { } refusal) problems.Add("$.bridge", refusal.Code, $"{refusal.Message} {refusal.Remedy}");
        if (asked.Mtu > facts.Link?.MtuBytes) problems.Add("$.mtu", "network.mtu", $"{device} has an MTU of {facts.Link.MtuBytes}: guests cannot have a larger one.");
        return spec with
        {
            Mtu = asked.Mtu ?? facts.Link?.MtuBytes ?? LanMtu,
            Bridge = new NetworkBridge { Device = device, Existing = facts.IsBridge, Vlan = asked.Vlan, ConfirmSeconds = asked.ConfirmSeconds ?? DefaultConfirmSeconds },
        };
    }

    private static NetworkSpec ChangeOwn(CachedRecord<NetworkSpec> network, NetworkSpec spec, NetworkUpdate update, NetworkWorld world, InputProblems problems)
    {
        var subnet = update.Subnet ?? spec.Subnet!;
        if (subnet != spec.Subnet)
        {
            SubnetRules.Check(subnet, spec.Name, network.Id, world, problems);
            if (UsersOf(network.Id, world.Snapshot) is { Count: > 0 } users)
                problems.Add("$.subnet", "network.inUse", $"Cards have addresses in {spec.Subnet} ({string.Join(", ", users)}): remove those cards first, or make another network.");
        }

        var ipv6 = Ipv6(update.Ipv6 ?? None, network.Record.Ipv6Subnet, network.Id, world, problems);
        CheckMtu(update.Mtu, ipv6 is not null, problems);
        CheckDomain(update.DnsDomain, problems);
        CheckRange(update.DhcpRange, subnet, problems);
        RefuseBridgeOnly(update.Vlan, update.ConfirmSeconds, problems);
        return spec with
        {
            Subnet = subnet,
            Ipv6Subnet = ipv6,
            Mtu = update.Mtu ?? DefaultMtu,
            DnsDomain = update.DnsDomain,
            Dhcp = update.Dhcp ?? true,
            DhcpRange = update.DhcpRange,
        };
    }

    private static NetworkSpec ChangeLan(CachedRecord<NetworkSpec> network, NetworkSpec spec, NetworkUpdate update, NetworkWorld world, InputProblems problems)
    {
        RefuseOwn([("subnet", update.Subnet), ("ipv6", update.Ipv6), ("dnsDomain", update.DnsDomain), ("dhcp", update.Dhcp is true or null ? null : update.Dhcp), ("dhcpRange", update.DhcpRange)], problems);
        CheckMtu(update.Mtu, isIpv6: false, problems);
        CheckConfirm(spec.Bridge!.Vlan, update.ConfirmSeconds, problems);
        CheckNewVlan(network, update.Vlan, world, problems);
        return spec with { Mtu = update.Mtu ?? LanMtu, Bridge = spec.Bridge with { Vlan = update.Vlan, ConfirmSeconds = update.ConfirmSeconds ?? DefaultConfirmSeconds } };
    }

    /// <summary>From a tag to another one only: with a tag and without are two ways to stand on a card.</summary>
    private static void CheckNewVlan(CachedRecord<NetworkSpec> network, int? vlan, NetworkWorld world, InputProblems problems)
    {
        var bridge = network.Record.Bridge!;
        if (vlan == bridge.Vlan) return;
        CheckVlan(vlan, problems);
        if (vlan is null || bridge.Vlan is null)
            problems.Add("$.vlan", "network.vlanFixed", $"Network '{network.Record.Name}' stands on {Place(bridge.Device, bridge.Vlan)}, {(vlan is null ? "and keeps a tag" : "without a tag")}: make another network for {Place(bridge.Device, vlan)}.");
        else if (FindOn(bridge.Device, vlan, network.Id, world) is { } taken)
            problems.Add("$.vlan", "network.deviceUsed", $"Network '{taken.Record.Name}' stands on {Place(bridge.Device, vlan)} already: use that one.");
        else if (UplinkRules.RefuseVlan(world.UplinkOf(bridge.Device), vlan.Value) is { Code: "network.vlanTaken" } refusal)
            problems.Add("$.vlan", refusal.Code, $"{refusal.Message} {refusal.Remedy}");
    }

    private static CachedRecord<NetworkSpec>? FindOn(string device, int? vlan, string? own, NetworkWorld world) =>
        world.Networks.FirstOrDefault(other => other.Id != own && other.Record.Bridge is { } bridge && bridge.Device == device && bridge.Vlan == vlan);

    private static string Place(string device, int? vlan) => vlan is null ? Suggestions.Shorten(device) : $"VLAN {vlan} of {Suggestions.Shorten(device)}";

    /// <summary>The VMs that have a card in the network, in words.</summary>
    public static IReadOnlyList<string> UsersOf(string network, CacheSnapshot snapshot) =>
        [.. NetworkWorld.CardsOf(snapshot, network).Select(card => $"{card.Vm.Record.Name} ({card.Nic.Mac})")];

    /// <summary>Null: it may be deleted.</summary>
    public static ProblemException? RefuseDelete(CachedRecord<NetworkSpec> network, CacheSnapshot snapshot)
    {
        var name = network.Record.Name;
        if (name == HostNetworks.DefaultName && network.Record.Project == ProjectRecord.DefaultProject)
            return ProblemException.Conflict("network.default", "The network 'default' is made at each start of the daemon: it is not deleted.", "Leave it unused: name another network for each card.");
        return UsersOf(network.Id, snapshot) is { Count: > 0 } users
            ? ProblemException.Conflict("network.inUse", $"Network '{name}' is used by {string.Join(", ", users)}.", "Remove those cards or VMs first: lamina vm nic remove VM SLOT.")
            : null;
    }

    /// <summary>
    /// Null: a bridge that was taken back may be tried again. Not while a try is asked for of which the status does not tell yet: the word that
    /// the host is within reach is for the last try on record, so a number past the one under way could never be confirmed.
    /// </summary>
    public static ProblemException? RefuseRetry(NetworkSpec spec, NetworkUplink? uplink)
    {
        if (spec.Bridge is not { } bridge || uplink?.State != UplinkState.RolledBack)
            return ProblemException.Conflict(
                "network.notRolledBack", $"Nothing of network '{spec.Name}' was taken back, so there is nothing to try again.", $"See its state: lamina network show {spec.Name}");
        return uplink.Attempt == bridge.Attempt
            ? null
            : ProblemException.Conflict(
                "network.retrying", $"Network '{spec.Name}' is being tried again already (try {bridge.Attempt}).", $"Wait until its state tells how that went: lamina network show {spec.Name}");
    }

    private static void CheckName(string name, InputProblems problems)
    {
        Names.CheckLabel(name, "$.name", problems);
        if (Reserved.Contains(name)) problems.Add("$.name", "name.reserved", $"'{name}' has a meaning of its own where networks are named: choose another name.");
    }

    private static void RefuseOwn(IReadOnlyList<(string Member, object? Value)> members, InputProblems problems)
    {
        foreach (var (member, value) in members)
            if (value is not null)
                problems.Add($"$.{member}", "network.lan", $"A bridge has no {member}: its LAN gives addresses and names. Leave it out.");
    }

    private static string? Ipv6(string asked, string? known, string? own, NetworkWorld world, InputProblems problems)
    {
        if (asked == None) return null;
        if (asked == Automatic) return known ?? Networks.Ipv6Subnet.Draw().ToString();
        if (Networks.Ipv6Subnet.Parse(asked) is not { } subnet)
        {
            problems.Add("$.ipv6", "network.ipv6", $"'{Suggestions.Shorten(asked)}' is no IPv6 network for guests: write auto, none, or a /64 as fd12:3456:789a::/64.");
            return null;
        }

        if (world.Networks.FirstOrDefault(other => other.Id != own && Networks.Ipv6Subnet.Parse(other.Record.Ipv6Subnet) == subnet) is { } other)
            problems.Add("$.ipv6", "network.subnetTaken", $"Network '{other.Record.Name}' has {subnet} already.");
        var bridge = own is null ? null : world.Links.FirstOrDefault(link => link.Name == world.Instance.LinkName(own, NetworkPlan.BridgeSlot));
        if (SubnetConflict.Find(IPNetwork.Parse(subnet.ToString()), world.Routes, bridge?.Index) is { } route)
            problems.Add("$.ipv6", "network.subnetInUse", $"This host already reaches {route.Destination} another way; it overlaps with {subnet}.");
        return subnet.ToString();
    }

    private static void CheckMtu(int? mtu, bool isIpv6, InputProblems problems)
    {
        var least = isIpv6 ? LeastIpv6Mtu : LeastMtu;
        if (mtu < least || mtu > MostMtu) problems.Add("$.mtu", "network.mtu", $"An MTU of {mtu} is out of bounds: {least} to {MostMtu}{(isIpv6 ? " with IPv6" : "")}.");
    }

    private static void CheckVlan(int? vlan, InputProblems problems)
    {
        if (vlan is < 1 or > MostVlan) problems.Add("$.vlan", "network.vlan", $"VLAN {vlan} is out of bounds: 1 to {MostVlan}.");
    }

    private static void CheckConfirm(int? vlan, int? seconds, InputProblems problems)
    {
        if (seconds is not null && vlan is not null)
            problems.Add("$.confirmSeconds", "network.confirm", "A VLAN moves none of the host's addresses, so there is nothing to confirm: leave it out.");
        else if (seconds is < LeastConfirmSeconds or > MostConfirmSeconds)
            problems.Add("$.confirmSeconds", "network.confirm", $"{seconds} s is out of bounds: {LeastConfirmSeconds} to {MostConfirmSeconds}.");
    }

    private static void RefuseBridgeOnly(int? vlan, int? confirmSeconds, InputProblems problems)
    {
        if (vlan is not null) problems.Add("$.vlan", "network.vlanWithoutBridge", "A VLAN is of a card or bridge of the host: name that too, bridge, for example eth1.");
        if (confirmSeconds is not null) problems.Add("$.confirmSeconds", "network.confirm", "Only a bridge to a card of the host is confirmed.");
    }

    private static void CheckDomain(string? domain, InputProblems problems)
    {
        if (domain is null) return;
        if (domain.Length > 200 || !domain.Split('.').All(Names.IsLabel)) problems.Add("$.dnsDomain", "network.domain", $"'{Suggestions.Shorten(domain)}' is no domain: write for example lab.internal, in lower case.");
        else if (domain is "localhost" or "local" || domain.EndsWith(".local", StringComparison.Ordinal))
            problems.Add("$.dnsDomain", "network.domain", $"{domain} has a meaning of its own (RFC 6761, RFC 6762), and guests would never ask for it here: choose for example {domain.Split('.')[0]}.internal.");
    }

    private static void CheckRange(string? range, string? subnet, InputProblems problems)
    {
        if (range is null || Subnet.Parse(subnet) is not { } known || DhcpRange.Parse(range, known) is not null) return;
        problems.Add("$.dhcpRange", "network.dhcpRange", $"'{Suggestions.Shorten(range)}' is no range in {known}: write two addresses from {known.Guest(0)} to {known.Guest(known.GuestCount - 1)}, as {known.Guest(0)}-{known.Guest(1)}.");
    }
}
