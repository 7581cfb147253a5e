using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

public class NetworkPlanTests
{
    private const string NetworkId = "01970000-0000-7000-8000-000000000001";

    internal static Instance Instance { get; } = InstanceClaim.Derive(new InstanceOptions { Name = "plan", RunDirectory = "/run/plan" }) with { Number = 3 };

    private static CachedRecord<NetworkSpec> Default => new(NetworkId, new() { Name = "default", Subnet = "192.168.203.0/24" }, 1, 1);

    [Fact]
    public void Without_networks_nothing_is_planned() => Assert.Empty(Plan());

    [Theory]
    [InlineData("")]
    [InlineData("192.168.203.1/24")]
    [InlineData("fd00::/64")]
    public void A_network_without_a_usable_subnet_is_left_out(string subnet) =>
        Assert.Empty(Plan(Default with { Record = Default.Record with { Subnet = subnet } }));

    [Fact]
    public void Every_name_on_the_host_is_the_instances_own()
    {
        var network = Assert.Single(Plan(Default));
        Assert.Equal(Instance.LinkName(NetworkId, "bridge"), network.Bridge);
        Assert.Equal($"lamina/plan/{NetworkId}/bridge", network.BridgeOwner);
        Assert.Matches("^02(:[0-9a-f]{2}){5}$", network.BridgeMac);
        Assert.Equal(("192.168.203.1", 1450, "lamina.internal"), (network.Subnet!.Value.Gateway, network.MtuBytes, network.Domain));
        Assert.NotEqual(network.Bridge, Assert.Single(Plan(Instance with { Name = "other" }, Default)).Bridge);
    }

    [Fact]
    public void Cards_of_the_network_are_planned_and_others_are_not()
    {
        var web = Vm("web", 5,
            new() { Slot = 0, Network = NetworkId, Mac = "52:54:00:00:00:01", Address = "192.168.203.10" },
            new() { Slot = 1, Kind = NicKind.User, Mac = "52:54:00:00:00:02" },
            new() { Slot = 2, Network = "another", Mac = "52:54:00:00:00:03", Address = "10.0.0.2" },
            new() { Slot = 3, Network = NetworkId, Mac = "52:54:00:00:00:04", Address = "192.168.203.11" });
        var nics = Assert.Single(Plan(Default, web)).Nics;
        Assert.Equal(
            new[]
            {
                new PlannedNic { Vm = web.Id, Slot = 0, Tap = NetworkPlan.TapOf(Instance, web.Id, 0), Mac = "52:54:00:00:00:01", Address = "192.168.203.10", HostName = "web" },
                new PlannedNic { Vm = web.Id, Slot = 3, Tap = NetworkPlan.TapOf(Instance, web.Id, 3), Mac = "52:54:00:00:00:04", Address = "192.168.203.11" },
            }.OrderBy(nic => nic.Tap, StringComparer.Ordinal),
            nics);
    }

    [Fact]
    public void The_older_of_two_vms_keeps_the_name()
    {
        var newer = Vm("web", 9, new VmNic { Slot = 0, Network = NetworkId, Mac = "52:54:00:00:00:01", Address = "192.168.203.10" });
        var older = Vm("web", 4, new VmNic { Slot = 0, Network = NetworkId, Mac = "52:54:00:00:00:02", Address = "192.168.203.11" });
        Assert.Equal("192.168.203.11", Assert.Single(Assert.Single(Plan(Default, newer, older)).Nics, nic => nic.HostName == "web").Address);
    }

    internal static CachedRecord<VmSpec> Vm(string name, long revision, params VmNic[] nics) => new(
        Guid.NewGuid().ToString(),
        new()
        {
            Name = name,
            Cpus = 1,
            MemoryMiB = 256,
            Machine = new() { Type = "pc-q35-7.2", CpuModel = "qemu64", MaxCpus = 1 },
            Nics = nics,
        },
        revision,
        revision);

    private static IReadOnlyList<PlannedNetwork> Plan(params CachedRecord[] records) => Plan(Instance, records);

    private static IReadOnlyList<PlannedNetwork> Plan(Instance instance, params CachedRecord[] records)
    {
        var changes = records.Select(record => new CacheChange(record is CachedRecord<VmSpec> ? Keys.Vms.Spec : Keys.Networks.Spec, record.Id, null, record));
        return NetworkPlan.From(instance, CacheSnapshot.Empty(Keys.Cached).With(1, [.. changes]));
    }
}
