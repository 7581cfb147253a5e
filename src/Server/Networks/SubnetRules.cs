using System.Globalization;
using Lamina.Api.Input;

namespace Lamina.Server.Networks;

/// <summary>Which IPv4 subnets a network may have (pure).</summary>
internal static class SubnetRules
{
    private const int FirstMulticast = 224;

    /// <summary>Addresses that mean something else (RFC 6890).</summary>
    private static readonly (string Subnet, string Meaning)[] Special =
    [
        ("0.0.0.0/8", "\"this network\""), ("127.0.0.0/8", "the host itself"), ("169.254.0.0/16", "addresses without a server"),
    ];

    /// <param name="text">As asked.</param>
    /// <param name="name">The network's.</param>
    /// <param name="own">Its id; null: it is new.</param>
    /// <param name="world">Records and host.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static void Check(string text, string name, string? own, NetworkWorld world, InputProblems problems)
    {
        if (Subnet.Parse(text) is not { } subnet)
            problems.Add("$.subnet", "network.subnet", $"'{Suggestions.Shorten(text)}' is no subnet: write it as 10.10.0.0/24, with a prefix from 8 to 29 and no bits beyond it.");
        else if (Explain(subnet, name, own, world) is var (code, message))
            problems.Add("$.subnet", code, message);
    }

    /// <summary>The first free one of 10.201.0.0/16; null: none is.</summary>
    public static Subnet? FindFree(NetworkWorld world) => Enumerable.Range(0, 256)
        .Select(number => Subnet.Parse(string.Create(CultureInfo.InvariantCulture, $"10.201.{number}.0/24"))!.Value)
        .Where(subnet => Explain(subnet, "", null, world) is null)
        .Select(subnet => (Subnet?)subnet)
        .FirstOrDefault();

    private static (string Code, string Message)? Explain(Subnet subnet, string name, string? own, NetworkWorld world)
    {
        if (Special.FirstOrDefault(special => Holds(subnet, special.Subnet)) is { Meaning: { } meaning })
            return ("network.subnetSpecial", $"{subnet} means {meaning}: choose one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.");
        if (subnet.FirstByte >= FirstMulticast) return ("network.subnetSpecial", $"{subnet} means multicast or nothing yet: choose one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.");
        if (world.Networks.FirstOrDefault(other => other.Id != own && Subnet.Parse(other.Record.Subnet)?.Overlaps(subnet) == true) is { } taken)
            return ("network.subnetTaken", $"Network '{taken.Record.Name}' has {taken.Record.Subnet}, which overlaps with {subnet}: choose another subnet.");
        if (Enumerable.Range(0, Instance.LastNumber + 1).FirstOrDefault(number => IsOfInstance(subnet, number, name, world), -1) is >= 0 and var other)
            return ("network.subnetOfInstance", $"{subnet} overlaps with 192.168.{200 + other}.0/24, which is kept for {(other == world.Instance.Number ? "this daemon's network 'default'" : $"daemon number {other} on this host")}: choose another subnet.");
        var bridge = own is null ? null : world.Links.FirstOrDefault(link => link.Name == world.Instance.LinkName(own, NetworkPlan.BridgeSlot));
        if (SubnetConflict.Find(subnet, world.Routes, bridge?.Index) is not { } route) return null;
        var through = world.Links.FirstOrDefault(link => link.Index == route.LinkIndex)?.Name ?? "another link";
        return ("network.subnetInUse", $"This host already reaches {route.Destination} through {through}; it overlaps with {subnet}: choose another subnet.");
    }

    private static bool IsOfInstance(Subnet subnet, int number, string name, NetworkWorld world) =>
        Holds(subnet, (world.Instance with { Number = number }).DefaultSubnet) && !(number == world.Instance.Number && name == HostNetworks.DefaultName);

    private static bool Holds(Subnet subnet, string other) => Subnet.Parse(other)!.Value.Overlaps(subnet);
}
