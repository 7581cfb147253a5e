using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Network;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

/// <summary>VLANs of a card: <c>eth1</c> is a veth, and the namespace at its other end is a switch's trunk port. <c>./dev nested</c> has them where this kernel has not.</summary>
public sealed class VlanTests : IAsyncLifetime
{
    private const string Card = "eth1";

    private readonly NetworkNamespace trunk = new();
    private NetworkBench bench = null!;

    public async ValueTask InitializeAsync()
    {
        bench = await NetworkBench.CreateAsync();
        bench.Netlink.CreateVeth(Card, "eth0", trunk.File);
        await Guest.ShellAsync(trunk, "ip link set lo up; ip link set eth0 up");
        await bench.RunAsync($"ip link set {Card} up; ip address add 192.0.2.2/24 dev {Card}");
    }

    public async ValueTask DisposeAsync()
    {
        await bench.DisposeAsync();
        trunk.Dispose();
    }

    [Fact]
    public async Task A_kernel_without_vlans_is_named_and_the_card_stays_as_it_is()
    {
        Assert.SkipWhen(KnowsVlans(), "this kernel knows VLANs");
        var id = await bench.AddNetworkAsync(Lan(100));
        Assert.Single(await bench.ApplyAsync());
        var status = bench.StatusOf(id)!;
        Assert.Equal((false, "network.vlanUnsupported"), (status.Up, status.Failure!.Code));
        Assert.Contains("8021q", status.Failure.Remedy, StringComparison.Ordinal);
        Assert.Null(bench.Netlink.FindLink(bench.Instance.LinkName(id, "bridge")));
        Assert.Contains("192.0.2.2/24", (await bench.RunAsync($"ip -o address show dev {Card}")).OutputText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guests_of_two_vlans_and_of_none_share_a_card_and_hear_their_own_only()
    {
        Assert.SkipUnless(KnowsVlans(), "this kernel has no 802.1Q");
        await Guest.ShellAsync(trunk, "ip address add 192.0.2.1/24 dev eth0; for id in 100 200; do ip link add link eth0 name v$id type vlan id $id; ip link set v$id up; ip address add 10.0.$id.1/24 dev v$id; done");
        string one = await bench.AddNetworkAsync(Lan(100)), two = await bench.AddNetworkAsync(Lan(200) with { Name = "two" });
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal((true, UplinkState.Confirmed), (bench.StatusOf(one)!.Up, bench.StatusOf(one)!.Uplink!.State));
        Assert.True(await Guest.ReachesAsync(bench.Host, "192.0.2.1", tries: 5)); // the host's own address has not moved

        var (first, _) = await GuestAsync("web", one, "52:54:00:00:00:01", "10.0.100.5/24");
        var (second, _) = await GuestAsync("db", two, "52:54:00:00:00:02", "10.0.200.5/24");
        Assert.True(await first.ReachesAsync("10.0.100.1", tries: 10));
        Assert.True(await second.ReachesAsync("10.0.200.1", tries: 10));
        await first.RunAsync("ip address add 10.0.200.9/24 dev eth0");
        Assert.False(await first.ReachesAsync("10.0.200.1", tries: 2)); // the other tag
        Assert.False(await first.ReachesAsync("10.0.200.5", tries: 2));

        // A network without a tag comes to the card: its bridge takes the rest, and the VLANs go on.
        var plain = await bench.AddNetworkAsync(Lan(null) with { Name = "plain" });
        await bench.ApplyAsync();
        await bench.PutNetworkAsync(plain, bench.SpecOf(plain) with { Bridge = bench.SpecOf(plain).Bridge! with { Confirmed = 1 } });
        Assert.Empty(await bench.ApplyAsync());
        Assert.True(await Guest.ReachesAsync(bench.Host, "192.0.2.1", tries: 5));
        Assert.True(await first.ReachesAsync("10.0.100.1", tries: 5));

        // Another tag, while the guest stays plugged in; a link that somebody removed comes back.
        await bench.PutNetworkAsync(two, bench.SpecOf(two) with { Bridge = bench.SpecOf(two).Bridge! with { Vlan = 300 } });
        await Guest.ShellAsync(trunk, "ip link add link eth0 name v300 type vlan id 300; ip link set v300 up; ip address add 10.0.201.1/24 dev v300");
        Assert.Empty(await bench.ApplyAsync());
        await second.RunAsync("ip address add 10.0.201.5/24 dev eth0");
        Assert.True(await second.ReachesAsync("10.0.201.1", tries: 10));
        Assert.False(await second.ReachesAsync("10.0.200.1", tries: 2));
        bench.Netlink.DeleteLink(bench.Instance.LinkName(one, "vlan"));
        Assert.Empty(await bench.ApplyAsync());
        Assert.True(await first.ReachesAsync("10.0.100.1", tries: 10));
    }

    [Fact]
    public async Task A_deleted_network_gives_its_tag_back_and_a_tag_of_somebody_elses_is_not_taken()
    {
        Assert.SkipUnless(KnowsVlans(), "this kernel has no 802.1Q");
        await bench.RunAsync($"ip link add link {Card} name mine type vlan id 7");
        var taken = await bench.AddNetworkAsync(Lan(7));
        Assert.Single(await bench.ApplyAsync());
        Assert.Equal("network.vlanTaken", bench.StatusOf(taken)!.Failure!.Code);
        Assert.Contains("mine", bench.StatusOf(taken)!.Failure!.Remedy, StringComparison.Ordinal);
        await bench.DeleteNetworkAsync(taken);

        var id = await bench.AddNetworkAsync(Lan(8));
        Assert.Empty(await bench.ApplyAsync());
        await bench.DeleteNetworkAsync(id);
        await bench.ApplyAsync();
        await bench.Host.RunAsync(() => bench.Networks!.SweepAsync(TestContext.Current.CancellationToken));
        Assert.All((string[])["vlan", "bridge"], slot => Assert.Null(bench.Netlink.FindLink(bench.Instance.LinkName(id, slot))));
        Assert.NotNull(bench.Netlink.FindLink("mine"));
    }

    private static NetworkSpec Lan(int? vlan) => new() { Name = "one", Kind = NetworkKind.Bridge, Mtu = 1500, Bridge = new NetworkBridge { Device = Card, Vlan = vlan } };

    private async Task<(Guest Guest, string Vm)> GuestAsync(string name, string network, string mac, string address)
    {
        var nic = new VmNic { Slot = 0, Network = network, Mac = mac };
        var vm = await bench.AddVmAsync(name, nic);
        Assert.Empty(await bench.ApplyAsync());
        var guest = bench.Plug(vm, nic, bench.StatusOf(network)!.Bridge!);
        await guest.RunAsync($"ip address add {address} dev eth0");
        return (guest, vm);
    }

    private bool KnowsVlans()
    {
        try
        {
            bench.Netlink.CreateVlan("probe", Card, 4000, new());
            return bench.Netlink.DeleteLink("probe");
        }
        catch (LinuxException unknown) when (unknown.ErrorNumber == Errno.NotSupported)
        {
            return false;
        }
    }
}
