using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

/// <summary>One network over several hosts, with real packets.</summary>
public sealed class OverlayTests
{
    private const string Gateway = "192.168.199.1";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Guests_of_two_hosts_are_on_one_network_and_each_host_serves_its_own()
    {
        await using var bench = await OverlayBench.CreateAsync(2);
        var (one, two) = (bench.Hosts[0], bench.Hosts[1]);
        var (web, webNic) = await bench.AddVmAsync("web", 10, one);
        var (db, dbNic) = await bench.AddVmAsync("db", 11, two);
        await bench.ApplyAsync();
        var (first, second) = (bench.Plug(one, web, webNic), bench.Plug(two, db, dbNic));

        // Only the guest's own host hears its question: the other one's dnsmasq would know the answer too.
        await two.RunAsync("nft 'add table bridge watch; add chain bridge watch c { type filter hook prerouting priority -400; }; add rule bridge watch c udp dport 67 counter; add rule bridge watch c arp daddr ip 192.168.199.1 counter'");
        Assert.Contains("ip=192.168.199.10", await first.AskAddressAsync());
        Assert.True(await first.ReachesAsync(Gateway, tries: 5));
        Assert.Equal(2, (await two.RunAsync("nft list table bridge watch")).OutputText.Split("packets 0 ").Length - 1);

        Assert.Contains("ip=192.168.199.11", await second.AskAddressAsync());
        Assert.True(await first.ReachesAsync("192.168.199.11", tries: 5));
        Assert.True(await second.ReachesAsync("192.168.199.10", tries: 5));
        Assert.Contains("192.168.199.10", (await second.RunAsync($"busybox nslookup web.lamina.internal {Gateway} 2>&1")).OutputText, StringComparison.Ordinal);

        var vni = bench.Cache.Snapshot.Get(Server.Control.Keys.Networks.Spec, bench.NetworkId)!.Record.Vni!.Value;
        Assert.Equal([vni, vni], bench.Hosts.Select(host => host.Overlay!.Vxlan!.Vni));
        Assert.Equal(["host1", "host2"], NetworkStatuses.On(bench.Cache.Snapshot, bench.NetworkId).Select(found => found.Host));
        Assert.Equal($"10.98.0.2:{two.Instance.OverlayPort}", two.Status!.Overlay);
        Assert.Equal(1450, two.Overlay!.MtuBytes);
    }

    [Fact]
    public async Task A_guest_that_moved_is_reached_at_once_and_a_forged_one_is_not_heard()
    {
        await using var bench = await OverlayBench.CreateAsync(3);
        var (one, two, three) = (bench.Hosts[0], bench.Hosts[1], bench.Hosts[2]);
        var (web, webNic) = await bench.AddVmAsync("web", 10, one);
        var (db, dbNic) = await bench.AddVmAsync("db", 11, two);
        await bench.ApplyAsync();
        var (first, second) = (bench.Plug(one, web, webNic), bench.Plug(two, db, dbNic));
        await first.RunAsync($"ip address add {webNic.Address}/24 dev eth0");
        await second.RunAsync($"ip address add {dbNic.Address}/24 dev eth0");
        Assert.True(await first.ReachesAsync(dbNic.Address!, tries: 5));

        bench.Move(second, db, dbNic, from: two, to: three);
        await second.RunAsync($"ip address replace {dbNic.Address}/24 dev eth0");
        Assert.False(await first.ReachesAsync(dbNic.Address!, tries: 1)); // sent to where it was
        await bench.AssignAsync(db, three);
        await bench.ApplyAsync();
        Assert.True(await first.ReachesAsync(dbNic.Address!, tries: 1)); // it has not said a word by itself

        // A card that host 2 does not have is not heard from there, nor is another's address.
        var stranger = bench.Plug(two, Guid.NewGuid().ToString(), dbNic);
        await stranger.RunAsync($"ip address add {dbNic.Address}/24 dev eth0");
        await one.RunAsync("nft 'add table bridge watch; add chain bridge watch c { type filter hook input priority 0; }; add chain bridge watch f { type filter hook forward priority 0; }; "
            + $"add rule bridge watch f ether saddr 52:54:00:00:01:77 counter; add rule bridge watch c ether saddr {webNic.Mac} iifname \"{one.Overlay!.Name}\" counter'");
        stranger.SetMac("52:54:00:00:01:77");
        await stranger.RunAsync("ip address add 192.168.199.77/24 dev eth0");
        Assert.False(await stranger.ReachesAsync(webNic.Address!, tries: 1));
        stranger.SetMac(webNic.Mac);
        await stranger.RunAsync("ip address replace 192.168.199.77/24 dev eth0");
        Assert.False(await stranger.ReachesAsync("192.168.199.99", tries: 1));
        Assert.Equal(2, (await one.RunAsync("nft list table bridge watch")).OutputText.Split("packets 0 ").Length - 1);
        Assert.True(await first.ReachesAsync(dbNic.Address!, tries: 5)); // and no entry has moved
    }

    [Fact]
    public async Task A_host_that_leaves_is_sent_nothing_more_and_the_last_one_ends_its_overlay()
    {
        await using var bench = await OverlayBench.CreateAsync(3);
        var one = bench.Hosts[0];
        Assert.Equal(2, one.Netlink.ListForwarding(one.Overlay!.Index).Entries.Count);
        await bench.RemoveHostAsync(bench.Hosts[2]);
        await bench.ApplyAsync();
        var left = Assert.Single(one.Netlink.ListForwarding(one.Overlay!.Index).Entries);
        Assert.Equal("10.98.0.2", left.Destination.ToString());
        Assert.Null(bench.Hosts[2].Overlay);

        one.Netlink.DeleteLink(one.Overlay!.Name);
        await one.ApplyAsync();
        Assert.Single(one.Netlink.ListForwarding(one.Overlay!.Index).Entries);
        var report = await one.Space.RunAsync(() => one.Networks.SweepAsync(Cancellation));
        Assert.Empty(report.Removed);

        await bench.RemoveHostAsync(bench.Hosts[1]);
        await one.ApplyAsync();
        Assert.Null(one.Overlay);
        Assert.NotNull(one.Netlink.FindLink(one.Bridge));
        Assert.DoesNotContain("overlays", (await one.RunAsync("nft list ruleset")).OutputText, StringComparison.Ordinal);
    }
}
