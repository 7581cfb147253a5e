using System.Net;
using System.Net.Sockets;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Network;
using Lamina.Server.Networks;
using Lamina.Server.Store;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

/// <summary>A bridge to a physical card: <c>eth1</c> is a veth, and the namespace at its other end is the LAN, with a machine at 192.0.2.1.</summary>
public sealed class UplinkTests : IAsyncLifetime
{
    private const string Card = "eth1";
    private const string LanMachine = "192.0.2.1";
    private const string HostAddress = "192.0.2.2";
    private const string Mac = "52:54:00:00:00:01";

    private readonly NetworkNamespace lan = new();
    private NetworkBench bench = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        bench = await NetworkBench.CreateAsync();
        bench.Netlink.CreateVeth(Card, "eth0", lan.File);
        await Guest.ShellAsync(lan, $"ip link set lo up; ip link set eth0 up; ip address add {LanMachine}/24 dev eth0; ip address add 2001:db8::1/64 dev eth0 nodad; ip address add 203.0.113.1/32 dev lo");
        await bench.RunAsync(
            $"ip link set {Card} up; ip address add {HostAddress}/24 dev {Card}; ip address add 198.51.100.7/32 dev {Card}; ip -6 address add 2001:db8::2/64 dev {Card} nodad;"
            + $"ip route add default via {LanMachine} metric 50; ip route add 203.0.113.0/24 via {LanMachine} dev {Card} src 198.51.100.7 mtu 1400 table 77;"
            + $"ip -6 route add default via 2001:db8::1 dev {Card} metric 70");
    }

    public async ValueTask DisposeAsync()
    {
        await bench.DisposeAsync();
        lan.Dispose();
    }

    [Fact]
    public async Task A_guest_stands_in_the_lan_and_the_host_keeps_its_addresses_until_all_is_given_back()
    {
        var before = await DescribeAsync(Card);
        var id = await bench.AddNetworkAsync(Lan());
        Assert.Empty(await bench.ApplyAsync());
        var status = bench.StatusOf(id)!;
        Assert.Equal((false, UplinkState.AwaitingConfirmation), (status.Up, status.Uplink!.State));
        Assert.Equal([$"{HostAddress}/24", "198.51.100.7/32", "2001:db8::2/64"], status.Uplink.Addresses);
        Assert.Equal(before, (await DescribeAsync(status.Bridge!)).Replace(status.Bridge!, Card, StringComparison.Ordinal));
        Assert.Equal("", await AddressesAsync(Card));
        Assert.True(await Guest.ReachesAsync(bench.Host, LanMachine, tries: 5));
        Assert.True(await Guest.ReachesAsync(bench.Host, "2001:db8::1", tries: 5));
        Assert.True(await Guest.ReachesAsync(bench.Host, "203.0.113.1", tries: 5)); // by the default route

        await ConfirmAsync(id);
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal((true, UplinkState.Confirmed), (bench.StatusOf(id)!.Up, bench.StatusOf(id)!.Uplink!.State));
        var guest = await GuestAsync(id, address: null);
        await guest.RunAsync("ip address add 192.0.2.50/24 dev eth0");
        Assert.True(await guest.ReachesAsync(LanMachine, tries: 5));
        Assert.True(await guest.ReachesAsync(HostAddress, tries: 5)); // the host is a neighbour
        Assert.Equal(Mac, (await Guest.ShellAsync(lan, "ip neighbour show 192.0.2.50 | grep -o '52:[0-9a-f:]*'")).OutputText.Trim());
        guest.SetMac("52:54:00:00:00:99");
        await guest.RunAsync("ip address replace 192.0.2.50/24 dev eth0");
        Assert.False(await guest.ReachesAsync(LanMachine, tries: 2));

        // A change made on the bridge meanwhile is not lost; a guest that is plugged in is not cut off.
        await bench.RunAsync($"ip address add 192.0.2.22/24 dev {status.Bridge}");
        await bench.DeleteNetworkAsync(id);
        Assert.Contains("plugged", Assert.Single(await bench.ApplyAsync()).Value.Message, StringComparison.Ordinal);
        Assert.NotNull(bench.Netlink.FindLink(status.Bridge!));
        await bench.RunAsync($"ip -o link show master {status.Bridge} | grep -o 'lm[a-z2-7]*' | grep -v {status.Bridge} | sort -u | xargs -n1 ip link delete");
        Assert.Empty(await bench.ApplyAsync());
        Assert.Null(bench.Netlink.FindLink(status.Bridge!));
        await bench.RunAsync($"ip address delete 192.0.2.22/24 dev {Card}");
        Assert.Equal(before, await DescribeAsync(Card));
    }

    [Fact]
    public async Task Cut_off_from_the_lan_it_undoes_itself_and_can_be_tried_again()
    {
        var before = await DescribeAsync(Card);
        await Guest.ShellAsync(lan, "nft 'add table netdev port { chain in { type filter hook ingress device eth0 priority 0; policy drop; } ; }'"); // the switch shuts its port
        var id = await bench.AddNetworkAsync(Lan());
        Assert.Empty(await bench.ApplyAsync());
        Assert.False(await Guest.ReachesAsync(bench.Host, LanMachine, tries: 1));

        bench.Time.Advance(TimeSpan.FromSeconds(30));
        await bench.ApplyAsync();
        Assert.Equal(UplinkState.AwaitingConfirmation, bench.StatusOf(id)!.Uplink!.State);
        bench.Time.Advance(TimeSpan.FromSeconds(31));
        await bench.ApplyAsync();
        var status = bench.StatusOf(id)!;
        Assert.Equal((false, UplinkState.RolledBack, "network.rolledBack"), (status.Up, status.Uplink!.State, status.Failure!.Code));
        Assert.Equal(before, await DescribeAsync(Card));
        Assert.Null(bench.Netlink.FindLink(status.Bridge!));
        await Guest.ShellAsync(lan, "nft delete table netdev port");

        await bench.RestartAsync();
        await bench.ApplyAsync();
        Assert.Equal(before, await DescribeAsync(Card)); // no second try by itself
        await bench.PutNetworkAsync(id, bench.SpecOf(id) with { Bridge = bench.SpecOf(id).Bridge! with { Attempt = 2 } });
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal((UplinkState.AwaitingConfirmation, 2), (bench.StatusOf(id)!.Uplink!.State, bench.StatusOf(id)!.Uplink!.Attempt));
        Assert.True(await Guest.ReachesAsync(bench.Host, LanMachine, tries: 5));
    }

    /// <summary>The person's way is another than that of the cluster: what was confirmed goes back all the same.</summary>
    [Fact]
    public async Task A_host_that_no_longer_reaches_a_member_takes_back_even_what_was_confirmed()
    {
        using var member = lan.Run(() => new TcpListener(IPAddress.Parse(LanMachine), 0));
        lan.Run(member.Start);
        var port = ((IPEndPoint)member.LocalEndpoint).Port;
        await bench.AddMemberAsync("host2", $"{LanMachine}:{port}");
        var before = await DescribeAsync(Card);
        var id = await bench.AddNetworkAsync(Lan());
        var bridge = bench.Instance.LinkName(id, "bridge");
        await bench.RunAsync($"nft 'add table inet cut {{ chain out {{ type filter hook output priority 0; oifname {bridge} tcp dport {port} drop; }} ; }}'");
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal((UplinkState.AwaitingConfirmation, "host2"), (bench.StatusOf(id)!.Uplink!.State, Assert.Single(bench.StatusOf(id)!.Uplink!.Unreached)));
        await ConfirmAsync(id);
        await bench.ApplyAsync();
        Assert.Equal((false, UplinkState.AwaitingConfirmation), (bench.StatusOf(id)!.Up, bench.StatusOf(id)!.Uplink!.State));

        await bench.RestartAsync(); // the proof is not lost with the daemon
        bench.Time.Advance(TimeSpan.FromSeconds(61));
        await bench.ApplyAsync();
        var status = bench.StatusOf(id)!;
        Assert.Equal((UplinkState.RolledBack, "network.cutOff"), (status.Uplink!.State, status.Failure!.Code));
        Assert.Contains("host2", status.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, await DescribeAsync(Card));

        // The switch lets them through: this try holds, by both.
        await bench.RunAsync("nft delete table inet cut");
        await bench.PutNetworkAsync(id, bench.SpecOf(id) with { Bridge = bench.SpecOf(id).Bridge! with { Attempt = 2 } });
        await bench.ApplyAsync();
        Assert.Equal((UplinkState.AwaitingConfirmation, 0), (bench.StatusOf(id)!.Uplink!.State, bench.StatusOf(id)!.Uplink!.Unreached.Count));
        await ConfirmAsync(id);
        await bench.ApplyAsync();
        Assert.Equal(UplinkState.Confirmed, bench.StatusOf(id)!.Uplink!.State);
    }

    [Fact]
    public async Task A_member_that_died_meanwhile_or_was_not_reached_before_is_not_waited_for()
    {
        using var member = lan.Run(() => new TcpListener(IPAddress.Parse(LanMachine), 0));
        lan.Run(member.Start);
        await bench.AddMemberAsync("host2", $"{LanMachine}:{((IPEndPoint)member.LocalEndpoint).Port}");
        await bench.AddMemberAsync("host3", $"{LanMachine}:1"); // nobody listens there
        var id = await bench.AddNetworkAsync(Lan());
        await bench.RunAsync($"nft 'add table inet cut {{ chain out {{ type filter hook output priority 0; oifname {bench.Instance.LinkName(id, "bridge")} tcp dport != 0 drop; }} ; }}'");
        await bench.ApplyAsync();
        Assert.Equal(["host2"], bench.StatusOf(id)!.Uplink!.Unreached);
        await ConfirmAsync(id);
        await bench.LoseMemberAsync("host2");
        await bench.ApplyAsync();
        Assert.Equal(UplinkState.Confirmed, bench.StatusOf(id)!.Uplink!.State);
    }

    [Fact]
    public async Task A_host_that_no_longer_reaches_the_store_takes_it_back_without_it()
    {
        await bench.AddMemberAsync("host2", $"{LanMachine}:1");
        var before = await DescribeAsync(Card);
        var id = await bench.AddNetworkAsync(Lan());
        bench.Store.IsAway = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(bench.ApplyAsync);
        Assert.NotEqual(before, await DescribeAsync(Card));
        await ConfirmAsync(id);
        bench.Time.Advance(TimeSpan.FromSeconds(61));
        await Assert.ThrowsAsync<StoreUnavailableException>(bench.ApplyAsync);
        Assert.Equal(before, await DescribeAsync(Card));
        bench.Store.IsAway = false;
        await bench.ApplyAsync();
        Assert.Equal((UplinkState.RolledBack, "network.cutOff"), (bench.StatusOf(id)!.Uplink!.State, bench.StatusOf(id)!.Failure!.Code));
    }

    [Fact]
    public async Task Wherever_the_daemon_dies_its_next_start_gives_the_card_back()
    {
        var before = await DescribeAsync(Card);
        var id = await bench.AddNetworkAsync(Lan());
        var files = new UplinkFiles(bench.Instance.UplinksDirectory);
        await bench.ApplyAsync();
        var intent = files.Read(id)!;
        await bench.RestartAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        await bench.ApplyAsync();
        Assert.Equal(before, await DescribeAsync(Card));

        var steps = UplinkSteps.Apply(bench.Netlink, intent, []).Count();
        Assert.InRange(steps, 15, 100);
        for (var died = 0; died <= steps; died++)
        {
            files.Write(intent with { Phase = UplinkPhase.Applying });
            foreach (var step in UplinkSteps.Apply(bench.Netlink, intent, []).Take(died)) step();
            await bench.ApplyAsync();
            Assert.Equal((died, UplinkState.RolledBack), (died, bench.StatusOf(id)!.Uplink!.State));
            Assert.Equal(before, await DescribeAsync(Card));
        }

        // In the midst of undoing, too.
        for (var died = 0; died <= steps; died++)
        {
            files.Write(intent with { Phase = UplinkPhase.Undoing });
            foreach (var step in UplinkSteps.Apply(bench.Netlink, intent, [])) step();
            foreach (var step in UplinkSteps.Undo(bench.Netlink, intent).Take(died)) step();
            await bench.ApplyAsync();
            Assert.Equal(before, await DescribeAsync(Card));
        }
    }

    [Fact]
    public async Task A_confirmed_bridge_is_made_again_after_a_reboot_and_mended()
    {
        var id = await bench.AddNetworkAsync(Lan());
        await bench.ApplyAsync();
        await ConfirmAsync(id);
        await bench.ApplyAsync();
        var bridge = bench.StatusOf(id)!.Bridge!;
        var wanted = await DescribeAsync(bridge);
        var files = new UplinkFiles(bench.Instance.UplinksDirectory);

        // A reboot: the bridge is gone, and the host's own configuration has set up the card.
        var intent = files.Read(id)!;
        foreach (var step in UplinkSteps.Undo(bench.Netlink, intent)) step();
        files.Write(intent with { BootId = "before" });
        await bench.RestartAsync();
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal(UplinkState.Confirmed, bench.StatusOf(id)!.Uplink!.State);
        Assert.Equal(wanted, await DescribeAsync(bridge));

        // Somebody took the card out and set it up by itself; a late ifup gave it an address once more.
        await bench.RunAsync($"ip link set {Card} nomaster; ip address add 192.0.2.77/24 dev {Card}");
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal("", await AddressesAsync(Card));
        Assert.Contains("192.0.2.77/24", await AddressesAsync(bridge), StringComparison.Ordinal);
        Assert.True(await Guest.ReachesAsync(bench.Host, LanMachine, tries: 5));
    }

    [Fact]
    public async Task What_fails_midway_is_taken_back_at_once_with_the_reason()
    {
        var before = await DescribeAsync(Card);
        var id = await bench.AddNetworkAsync(Lan());
        bench.Netlink.CreateBridge(bench.Instance.LinkName(id, "bridge"), new() { Alias = "theirs" });
        Assert.Single(await bench.ApplyAsync());
        Assert.Equal("network.linkTaken", bench.StatusOf(id)!.Failure!.Code);
        Assert.Equal(before, await DescribeAsync(Card));
        Assert.Equal("theirs", bench.Netlink.FindLink(bench.Instance.LinkName(id, "bridge"))!.Alias);
    }

    [Fact]
    public async Task A_bridge_of_the_hosts_own_is_used_as_it_is()
    {
        await bench.RunAsync("ip link add br7 type bridge; ip link set br7 up");
        var id = await bench.AddNetworkAsync(Lan() with { Bridge = new NetworkBridge { Device = "br7", Existing = true } });
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal((true, "br7"), (bench.StatusOf(id)!.Up, bench.StatusOf(id)!.Bridge));
        var nic = new VmNic { Slot = 0, Network = id, Mac = Mac };
        var vm = await bench.AddVmAsync("web", nic);
        var tap = await bench.Host.RunAsync(() => bench.Networks!.PlugAsync(vm, nic, Cancellation));
        Assert.Equal(bench.Netlink.FindLink("br7")!.Index, bench.Netlink.FindLink(tap)!.MasterIndex);
        bench.Networks!.Unplug(vm, 0);
        await bench.DeleteNetworkAsync(id);
        Assert.Empty(await bench.ApplyAsync());
        Assert.NotNull(bench.Netlink.FindLink("br7"));
    }

    [Fact]
    public async Task A_card_with_a_leased_address_or_a_master_is_refused_and_not_touched()
    {
        await bench.RunAsync($"ip address change {HostAddress}/24 dev {Card} valid_lft 3600 preferred_lft 3600");
        var leased = await bench.AddNetworkAsync(Lan());
        Assert.Single(await bench.ApplyAsync());
        Assert.Equal("network.deviceLeased", bench.StatusOf(leased)!.Failure!.Code);
        await bench.DeleteNetworkAsync(leased);
        await bench.RunAsync($"ip address change {HostAddress}/24 dev {Card} valid_lft forever preferred_lft forever; ip link add br7 type bridge; ip link set {Card} master br7");
        var slave = await bench.AddNetworkAsync(Lan());
        Assert.Single(await bench.ApplyAsync());
        Assert.Contains("br7", bench.StatusOf(slave)!.Failure!.Message, StringComparison.Ordinal);
    }

    private static NetworkSpec Lan() => new() { Name = "lan", Kind = NetworkKind.Bridge, Mtu = 1500, Bridge = new NetworkBridge { Device = Card } };

    private Task ConfirmAsync(string id) => bench.PutNetworkAsync(id, bench.SpecOf(id) with { Bridge = bench.SpecOf(id).Bridge! with { Confirmed = bench.SpecOf(id).Bridge!.Attempt } });

    private async Task<Guest> GuestAsync(string network, string? address)
    {
        var nic = new VmNic { Slot = 0, Network = network, Mac = Mac, Address = address };
        var vm = await bench.AddVmAsync("web", nic);
        Assert.Empty(await bench.ApplyAsync());
        return bench.Plug(vm, nic, bench.StatusOf(network)!.Bridge!);
    }

    private async Task<string> AddressesAsync(string link) => (await bench.RunAsync($"ip -o address show dev {link} | grep -v 'scope link' | awk '{{ print $4 }}'")).OutputText;

    /// <summary>Everything that a person would miss: addresses, and routes of all tables, without what the kernel makes.</summary>
    private async Task<string> DescribeAsync(string link) => (await bench.RunAsync(
        $"ip -o address show dev {link} | grep -v 'scope link' | awk '{{ print $4 }}' | sort; ip route show table all dev {link} | grep -v -E 'table local|broadcast' | sort;"
        + $"ip -6 route show table all dev {link} | grep -v -E 'fe80|ff00|table local|anycast|multicast' | sort")).OutputText;
}
