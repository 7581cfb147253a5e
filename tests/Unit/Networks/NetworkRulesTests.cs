using System.Net;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Linux.Network;
using Lamina.Server.Control;
using Lamina.Server.Networks;
using Lamina.Tests.Unit.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

/// <summary>A host with eth0 in 10.99.0.0/24, and the network <c>default</c> in 192.168.203.0/24 (instance 3).</summary>
public sealed class NetworkRulesTests
{
    private static readonly Link Card = new() { Index = 3, Name = "eth1", MtuBytes = 1500, IsUp = true };

    public static TheoryData<string, NetworkCreate> Illegal => new()
    {
        { "$.name name.invalid", new() { Name = "Not a label" } },
        { "$.name name.reserved", new() { Name = "user" } },
        { "$.subnet network.subnet", new() { Name = "lab", Subnet = "10.10.0.1/24" } },
        { "$.subnet network.subnet", new() { Name = "lab", Subnet = "fd00::/64" } },
        { "$.subnet network.subnetSpecial", new() { Name = "lab", Subnet = "127.4.0.0/16" } },
        { "$.subnet network.subnetSpecial", new() { Name = "lab", Subnet = "239.1.0.0/24" } },
        { "$.subnet network.subnetTaken", new() { Name = "lab", Subnet = "192.168.203.128/25" } },
        { "$.subnet network.subnetOfInstance", new() { Name = "lab", Subnet = "192.168.207.0/24" } },
        { "$.subnet network.subnetInUse", new() { Name = "lab", Subnet = "10.99.0.0/16" } },
        { "$.ipv6 network.ipv6", new() { Name = "lab", Ipv6 = "fd00::/48" } },
        { "$.ipv6 network.ipv6", new() { Name = "lab", Ipv6 = "fe80::/64" } },
        { "$.ipv6 network.subnetTaken", new() { Name = "lab", Ipv6 = "fd00:0:0:3::/64" } },
        { "$.ipv6 network.subnetInUse", new() { Name = "lab", Ipv6 = "2001:db8::/64" } },
        { "$.mtu network.mtu", new() { Name = "lab", Mtu = 1000 } },
        { "$.mtu network.mtu", new() { Name = "lab", Mtu = 500, Ipv6 = "none" } },
        { "$.mtu network.mtu", new() { Name = "lab", Mtu = 9001 } },
        { "$.dnsDomain network.domain", new() { Name = "lab", DnsDomain = "Lab" } },
        { "$.dnsDomain network.domain", new() { Name = "lab", DnsDomain = "lab.local" } },
        { "$.dhcpRange network.dhcpRange", new() { Name = "lab", Subnet = "10.10.0.0/24", DhcpRange = "10.10.0.1-10.10.0.9" } },
        { "$.dhcpRange network.dhcpRange", new() { Name = "lab", Subnet = "10.10.0.0/24", DhcpRange = "10.10.0.9-10.10.0.8" } },
        { "$.confirmSeconds network.confirm", new() { Name = "lab", ConfirmSeconds = 60 } },
        { "$.bridge network.bridge", new() { Name = "lab", Kind = NetworkKind.Bridge } },
        { "$.bridge network.bridge", new() { Name = "lab", Kind = NetworkKind.Isolated, Bridge = "eth1" } },
        { "$.bridge network.deviceMissing", new() { Name = "lan", Bridge = "eth9" } },
        { "$.subnet network.lan", new() { Name = "lan", Bridge = "eth1", Subnet = "10.10.0.0/24" } },
        { "$.dhcp network.lan", new() { Name = "lan", Bridge = "eth1", Dhcp = false } },
        { "$.mtu network.mtu", new() { Name = "lan", Bridge = "eth1", Mtu = 9000 } },
        { "$.confirmSeconds network.confirm", new() { Name = "lan", Bridge = "eth1", ConfirmSeconds = 5 } },
    };

    [Theory]
    [MemberData(nameof(Illegal))]
    public void What_may_not_be_is_refused_with_its_path(string problem, NetworkCreate asked) => Assert.Equal([problem], ProblemsOf(() => Create(asked)));

    /// <summary>The status says which try it tells of. While it tells of an earlier one, another number would leave the try under way without its word.</summary>
    [Theory]
    [InlineData(1, null, 0, "network.notRolledBack")]
    [InlineData(1, UplinkState.AwaitingConfirmation, 1, "network.notRolledBack")]
    [InlineData(1, UplinkState.Confirmed, 1, "network.notRolledBack")]
    [InlineData(2, UplinkState.RolledBack, 1, "network.retrying")]
    [InlineData(1, UplinkState.RolledBack, 1, null)]
    [InlineData(2, UplinkState.RolledBack, 2, null)]
    public void A_bridge_is_tried_again_only_when_its_last_try_was_taken_back(int attempt, UplinkState? state, int told, string? refusal)
    {
        var spec = Create(new() { Name = "lan", Bridge = "eth1" });
        spec = spec with { Bridge = spec.Bridge! with { Attempt = attempt } };
        var uplink = state is { } known ? new NetworkUplink { Device = "eth1", State = known, Attempt = told } : null;
        Assert.Equal(refusal, NetworkRules.RefuseRetry(spec, uplink)?.Code);
    }

    [Fact]
    public void Every_problem_is_told_at_once() => Assert.Equal(
        ["$.name name.invalid", "$.subnet network.subnet", "$.ipv6 network.ipv6", "$.mtu network.mtu", "$.dnsDomain network.domain"],
        ProblemsOf(() => Create(new() { Name = "", Subnet = "x", Ipv6 = "y", Mtu = 1, DnsDomain = "z z" })));

    [Fact]
    public void A_name_is_enough()
    {
        var spec = Create(new() { Name = "lab" });
        Assert.Equal((NetworkKind.Nat, "10.201.0.0/24", 1450, true), (spec.Kind, spec.Subnet, spec.Mtu, spec.Dhcp));
        Assert.StartsWith("fd", spec.Ipv6Subnet, StringComparison.Ordinal);
        Assert.NotNull(Ipv6Subnet.Parse(spec.Ipv6Subnet));
        Assert.NotEqual(spec.Ipv6Subnet, Create(new() { Name = "lab" }).Ipv6Subnet);
        Assert.Null(Create(new() { Name = "lab", Ipv6 = "none" }).Ipv6Subnet);
    }

    [Fact]
    public void A_bridge_takes_after_its_device()
    {
        var lan = Create(new() { Name = "lan", Bridge = "eth1" });
        Assert.Equal((NetworkKind.Bridge, 1500, "eth1", false, 60, 1, 0), (lan.Kind, lan.Mtu, lan.Bridge!.Device, lan.Bridge.Existing, lan.Bridge.ConfirmSeconds, lan.Bridge.Attempt, lan.Bridge.Confirmed));
        Assert.True(Create(new() { Name = "lan", Bridge = "br0" }).Bridge!.Existing);
    }

    [Fact]
    public void There_are_at_most_64()
    {
        var snapshots = new TestSnapshots();
        for (var number = 0; number < NetworkRules.MostNetworks; number++) snapshots.Add(Keys.Networks.Spec, $"{number}", new NetworkSpec { Name = $"n{number}", Subnet = $"10.{number}.0.0/24" });
        Assert.Equal(["$.name network.tooMany"], ProblemsOf(() => NetworkRules.Create(new() { Name = "lab", Subnet = "172.16.0.0/24" }, "default", World(snapshots), DateTimeOffset.UnixEpoch)));
    }

    [Fact]
    public void A_change_keeps_what_is_not_named_and_a_subnet_in_use_stays()
    {
        var lab = new CachedRecord<NetworkSpec>("lab", new() { Name = "lab", Subnet = "10.10.0.0/24", Ipv6Subnet = "fd00:0:0:9::/64", DnsDomain = "lab.internal" }, 1, 1);
        var same = NetworkRules.Update(lab, NetworkRules.Changeable(lab.Record), World(Installed()));
        Assert.Equal(lab.Record, same with { Forwards = lab.Record.Forwards });
        Assert.Equal("fd00:0:0:9::/64", NetworkRules.Update(lab, NetworkRules.Changeable(lab.Record) with { Ipv6 = "auto" }, World(Installed())).Ipv6Subnet);
        Assert.Null(NetworkRules.Update(lab, NetworkRules.Changeable(lab.Record) with { Ipv6 = null }, World(Installed())).Ipv6Subnet);
        var moved = NetworkRules.Changeable(lab.Record) with { Subnet = "10.11.0.0/24" };
        Assert.Equal("10.11.0.0/24", NetworkRules.Update(lab, moved, World(Installed())).Subnet);
        var used = Installed().Vm("web", new VmNic { Slot = 0, Network = "lab", Mac = "52:54:00:00:00:01", Address = "10.10.0.10" });
        Assert.Equal(["$.subnet network.inUse"], ProblemsOf(() => NetworkRules.Update(lab, moved, World(used))));
    }

    [Fact]
    public void The_default_network_keeps_its_name_and_stays()
    {
        var known = new CachedRecord<NetworkSpec>("net", new() { Name = "default", Subnet = "192.168.203.0/24" }, 1, 1);
        Assert.Equal(["$.name network.default"], ProblemsOf(() => NetworkRules.Update(known, NetworkRules.Changeable(known.Record) with { Name = "other" }, World(Installed()))));
        Assert.Equal("network.default", NetworkRules.RefuseDelete(known, Installed().Build())!.Code);
        var lab = new CachedRecord<NetworkSpec>("lab", new() { Name = "lab", Subnet = "10.10.0.0/24" }, 1, 1);
        Assert.Null(NetworkRules.RefuseDelete(lab, Installed().Build()));
        var used = Installed().Vm("web", new VmNic { Slot = 0, Network = "lab", Mac = "52:54:00:00:00:01", Address = "10.10.0.10" });
        Assert.Contains("web (52:54:00:00:00:01)", NetworkRules.RefuseDelete(lab, used.Build())!.Message, StringComparison.Ordinal);
    }

    internal static TestSnapshots Installed() => new TestSnapshots()
        .Add(Keys.Networks.Spec, "net", new NetworkSpec { Name = "default", Subnet = "192.168.203.0/24", Ipv6Subnet = "fd00:0:0:3::/64" });

    internal static NetworkWorld World(TestSnapshots snapshots) => new()
    {
        Instance = NetworkPlanTests.Instance,
        Snapshot = snapshots.Build(),
        Links = [new() { Index = 2, Name = "eth0" }, Card],
        Routes =
        [
            new() { Destination = IPNetwork.Parse("10.99.0.0/24"), LinkIndex = 2 }, new() { Gateway = IPAddress.Parse("10.99.0.1"), LinkIndex = 2 },
            new() { Destination = IPNetwork.Parse("2001:db8::/64"), LinkIndex = 2 },
        ],
        UplinkOf = device => new UplinkFacts
        {
            Device = device,
            Link = device switch
            {
                "eth1" => Card,
                "br0" => Card with { Name = "br0", Kind = "bridge" },
                _ => null,
            },
            Candidates = ["eth1", "br0"],
        },
    };

    internal static IReadOnlyList<string> ProblemsOf(Func<object> rule) =>
        [.. Assert.Throws<InputException>(() => { _ = rule(); }).Problems.Select(problem => $"{problem.Path} {problem.Code}")];

    private static NetworkSpec Create(NetworkCreate asked) => NetworkRules.Create(asked, "default", World(Installed()), DateTimeOffset.UnixEpoch);
}
