using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using CsCheck;
using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

public class OverlayPlanTests
{
    private const string NetworkId = "01970000-0000-7000-8000-000000000001";
    private const string Own = "a";

    private static readonly PhysicalAddress AllElse = new(new byte[6]);

    [Fact]
    public void A_host_that_is_alone_has_no_overlay()
    {
        Assert.Null(Plan(World(), Own).Overlay);
        Assert.Null(Plan(World(Host("a")), Own).Overlay);
        Assert.Null(Plan(World(Host("a"), Host("w") with { Record = Host("w").Record with { Witness = true } }), Own).Overlay);
        Assert.Null(Plan(World(Host("b"), Host("c")), Own).Overlay); // not a member (any more)
        Assert.Null(Plan(World(Host("a"), Host("b") with { Record = Host("b").Record with { Addresses = null } }), Own).Overlay);
    }

    [Fact]
    public void A_network_without_a_number_waits_for_it() => Assert.Null(Plan(World([Host("a"), Host("b")], vni: null), Own).Overlay);

    [Fact]
    public void A_bridge_into_a_LAN_has_none()
    {
        var lan = new CachedRecord<NetworkSpec>(NetworkId, new() { Name = "lan", Kind = NetworkKind.Bridge, Bridge = new() { Device = "eth1" } }, 1, 1);
        Assert.Null(Plan(Snapshot([lan, Host("a"), Host("b")]), Own).Overlay);
    }

    [Fact]
    public void Each_host_sends_from_its_own_address_and_port_and_to_those_of_the_others()
    {
        var overlay = Plan(World(Host("a", instance: 0), Host("b", instance: 3)), Own).Overlay!;
        Assert.Equal(new VxlanSettings(77, IPAddress.Parse("10.0.0.97"), 4789), overlay.Vxlan);
        Assert.Equal([new OverlayEntry(AllElse, IPAddress.Parse("10.0.0.98"), 4789 + 600)], overlay.Entries);
        Assert.Equal($"lamina/plan/{NetworkId}/overlay", overlay.Owner);
    }

    [Fact]
    public void Ports_lead_to_a_VM_from_its_own_host_only()
    {
        var forwards = (NetworkForward[])[new() { Id = "1", Port = 80, Vm = "vm0", VmPort = 80 }, new() { Id = "2", Port = 81, Vm = "vm1", VmPort = 80 }];
        var world = World([Host("a"), Host("b"), .. Vm(0, "a"), .. Vm(1, "b")], forwards: forwards);
        Assert.Equal([80], Plan(world, "a").Forwards.Select(forward => forward.HostPort));
        Assert.Equal([81], Plan(world, "b").Forwards.Select(forward => forward.HostPort));
    }

    [Fact]
    public void Frames_to_and_from_the_gateway_do_not_leave_the_host()
    {
        var rules = NftRuleset.For("lamina_0", [Plan(World([Host("a"), Host("b"), .. Vm(0, "a"), .. Vm(1, "b")]), Own)]);
        Assert.Contains("oifname @overlays goto to_other_hosts", rules.Base, StringComparison.Ordinal);
        Assert.Contains(rules.Elements["nics"], element => element.EndsWith(". 52:54:00:00:00:01", StringComparison.Ordinal) && element.Contains(Instances.LinkName(NetworkId, "overlay"), StringComparison.Ordinal));
        Assert.DoesNotContain(rules.Elements["nics"], element => element.EndsWith(". 52:54:00:00:00:00", StringComparison.Ordinal) && element.Contains(Instances.LinkName(NetworkId, "overlay"), StringComparison.Ordinal));
        Assert.DoesNotContain("overlays", NftRuleset.For("lamina_0", [Plan(World(Host("a")), Own)]).Base, StringComparison.Ordinal);
    }

    /// <summary>Whatever was assigned before, each host ends with exactly the entries of the last state: one per card elsewhere, and one per other host.</summary>
    [Fact]
    public void Any_sequence_of_assignments_and_membersends_in_exactly_the_right_entries()
    {
        string[] hosts = ["a", "b", "c", "d"];
        var step = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 4], Gen.Int[0, 15]); // VM, its host (4: none), who is a member
        step.Array[1, 25].Sample(steps =>
        {
            var at = new Dictionary<int, string>();
            var there = ImmutableHashSet<OverlayEntry>.Empty;
            var behind = ImmutableHashSet<PhysicalAddress>.Empty;
            foreach (var (vm, host, bits) in steps)
            {
                if (host < hosts.Length) at[vm] = hosts[host];
                else at.Remove(vm);
                string[] members = [Own, .. hosts.Where((name, bit) => name != Own && (bits & (1 << bit)) != 0)];
                var world = World([.. members.Select(name => Host(name)), .. Enumerable.Range(0, 5).SelectMany(number => Vm(number, at.GetValueOrDefault(number)))]);
                var overlay = Plan(world, Own).Overlay;
                if (overlay is null)
                {
                    Assert.Equal([Own], members);
                    (there, behind) = ([], []); // with the link
                    continue;
                }

                var change = OverlayPlan.Change(overlay.Entries, overlay.Behind, there, behind);
                foreach (var entry in change.Set) there = (entry.Mac.Equals(AllElse) ? there : [.. there.Where(old => !old.Mac.Equals(entry.Mac))]).Add(entry); // as the kernel does
                foreach (var entry in change.Remove)
                {
                    Assert.Contains(entry, there);
                    there = there.Remove(entry);
                }

                behind = behind.Union(change.SetBehind).Except(change.RemoveBehind);
                Assert.Equal(Right(members, at).Order(), there.Select(Text).Order());
                Assert.Equal(there.Select(entry => entry.Mac).Where(mac => !mac.Equals(AllElse)).Select(mac => mac.ToString()).Order(), behind.Select(mac => mac.ToString()).Order());
            }
        });

        static IEnumerable<string> Right(string[] members, Dictionary<int, string> at) => members.Where(host => host != Own).Select(host => $"000000000000 10.0.0.{(int)host[0]}")
            .Concat(at.Where(vm => vm.Value != Own && members.Contains(vm.Value)).Select(vm => $"5254000000{vm.Key:X2} 10.0.0.{(int)vm.Value[0]}"));

        static string Text(OverlayEntry entry) => $"{entry.Mac} {entry.Destination}";
    }

    private static Instance Instances => NetworkPlanTests.Instance;

    private static CachedRecord<HostSpec> Host(string id, int instance = 0) => new(
        id, new() { Name = id, Addresses = new() { Api = "", Peer = $"10.0.0.{(int)id[0]}:{7444 + (200 * instance)}", Migration = $"10.0.0.{(int)id[0]}" } }, 1, 1);

    private static CachedRecord[] Vm(int number, string? host)
    {
        var nic = new VmNic { Slot = 0, Network = NetworkId, Mac = $"52:54:00:00:00:{number:x2}", Address = $"192.168.203.{10 + number}" };
        var spec = NetworkPlanTests.Vm($"vm{number}", 5, nic) with { Id = $"vm{number}" };
        return host is null ? [spec] : [spec, new CachedRecord<VmAssignment>(spec.Id, new() { Host = host, Epoch = 1 }, 6, 6)];
    }

    private static CacheSnapshot World(params CachedRecord[] records) => World(records, 77);

    private static CacheSnapshot World(CachedRecord[] records, int? vni = 77, NetworkForward[]? forwards = null) => Snapshot(
        [new CachedRecord<NetworkSpec>(NetworkId, new() { Name = "default", Subnet = "192.168.203.0/24", Vni = vni, Forwards = forwards ?? [] }, 1, 1), .. records]);

    private static CacheSnapshot Snapshot(CachedRecord[] records) => CacheSnapshot.Empty(Keys.Cached).With(1, [.. records.Select(record => new CacheChange(KindOf(record), record.Id, null, record))]);

    private static RecordKind KindOf(CachedRecord record) => record switch
    {
        CachedRecord<NetworkSpec> => Keys.Networks.Spec,
        CachedRecord<HostSpec> => Keys.Hosts.Spec,
        CachedRecord<VmSpec> => Keys.Vms.Spec,
        _ => Keys.Vms.Assignment,
    };

    private static PlannedNetwork Plan(CacheSnapshot snapshot, string host) =>
        Assert.Single(OverlayPlan.Apply(Instances, host, snapshot, NetworkPlan.From(Instances, snapshot)));
}
