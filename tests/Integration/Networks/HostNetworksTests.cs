using Lamina.Linux;
using Lamina.Linux.Processes;
using Lamina.Server;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

public sealed class HostNetworksTests : IAsyncLifetime
{
    private const string Mac = "52:54:00:00:00:01";
    private const string OtherMac = "52:54:00:00:00:02";

    private NetworkBench bench = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => bench = await NetworkBench.CreateAsync();

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Fact]
    public async Task A_guest_gets_its_address_names_and_the_world()
    {
        var nic = bench.Nic(Mac, 20);
        var guest = await GuestAsync("web", nic);
        Assert.Equal(
            [$"ip={nic.Address}", "router=192.168.255.1", "dns=192.168.255.1", "mtu=1450", "domain=lamina.internal", "hostname=web"],
            await guest.AskAddressAsync());
        Assert.True(await guest.ReachesAsync("192.168.255.1", tries: 5));
        Assert.True(await guest.ReachesAsync(NetworkBench.WorldAddress, tries: 5)); // which has no route back: this is NAT
        Assert.Contains(nic.Address!, await LookUpAsync(guest, "web.lamina.internal"), StringComparison.Ordinal);
        Assert.Contains("192.168.255.1", await LookUpAsync(guest, "gateway.lamina.internal"), StringComparison.Ordinal);
        Assert.Contains("NXDOMAIN", await LookUpAsync(guest, "nobody.lamina.internal"), StringComparison.Ordinal);
        Assert.Equal((true, bench.Bridge.Name), (bench.Status!.Up, bench.Status.Bridge));
    }

    [Fact]
    public async Task A_guest_made_later_is_served_by_the_same_dnsmasq()
    {
        await GuestAsync("first", bench.Nic(Mac, 20));
        var server = Assert.Single(bench.Dnsmasqs());
        var nic = bench.Nic(OtherMac, 21);
        var second = await GuestAsync("second", nic);
        Assert.Contains($"ip={nic.Address}", await second.AskAddressAsync());
        Assert.Contains("192.168.255.22", await LookUpAsync(second, "first.lamina.internal"), StringComparison.Ordinal);
        Assert.Equal([server], bench.Dnsmasqs());
    }

    [Fact]
    public async Task Guests_of_one_network_reach_each_other_and_a_stranger_gets_nothing()
    {
        var (first, second) = (bench.Nic(Mac, 20), bench.Nic(OtherMac, 21));
        var one = await GuestAsync("one", first);
        var two = await GuestAsync("two", second);
        await one.AskAddressAsync();
        await two.AskAddressAsync();
        Assert.True(await one.ReachesAsync(second.Address!, tries: 5));
        two.SetMac("52:54:00:00:00:99");
        Assert.Empty(await two.AskAddressAsync(tries: 2));
    }

    [Fact]
    public async Task Forged_frames_are_dropped()
    {
        var nic = bench.Nic(Mac, 20);
        var guest = await GuestAsync("web", nic);
        await guest.AskAddressAsync();
        Assert.True(await guest.ReachesAsync("192.168.255.1", tries: 5));

        await guest.RunAsync("ip address add 192.168.255.77/24 dev eth0");
        Assert.False(await guest.ReachesAsync("192.168.255.1", tries: 2, "-I 192.168.255.77"));
        Assert.DoesNotContain("192.168.255.77", (await bench.RunAsync("ip neighbour")).OutputText, StringComparison.Ordinal);
        Assert.True(await guest.ReachesAsync("192.168.255.1", tries: 5, $"-I {nic.Address}"));

        // IPv6 is not a way around the addresses.
        var bridgeLocal = (await bench.RunAsync($"ip -6 -o address show dev {bench.Bridge.Name} scope link")).OutputText.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Split('/')[0];
        Assert.False(await guest.ReachesAsync($"{bridgeLocal}%eth0", tries: 2));

        guest.SetMac("52:54:00:00:00:99");
        await guest.RunAsync($"ip address replace {nic.Address}/24 dev eth0");
        Assert.False(await guest.ReachesAsync("192.168.255.1", tries: 2));
        guest.SetMac(Mac);
        await guest.RunAsync($"ip address replace {nic.Address}/24 dev eth0");
        Assert.True(await guest.ReachesAsync("192.168.255.1", tries: 5));
    }

    [Fact]
    public async Task Services_of_the_host_and_guests_are_out_of_reach()
    {
        var nic = bench.Nic(Mac, 20);
        var guest = await GuestAsync("web", nic);
        await guest.AskAddressAsync();
        using var service = bench.Host.Run(() => ChildProcess.Spawn(new()
        {
            Program = "busybox", Arguments = ["nc", "-ll", "-p", "8000", "-e", "echo", "secret"],
        }));
        try
        {
            Assert.Contains("secret", await ConnectUntilHeardAsync(), StringComparison.Ordinal); // it does listen
            foreach (var address in new[] { "192.168.255.1", NetworkBench.UplinkAddress })
                Assert.DoesNotContain("secret", (await guest.RunAsync($"busybox nc -w 2 {address} 8000 </dev/null")).OutputText, StringComparison.Ordinal);
        }
        finally
        {
            service.SendToGroup(Signal.Kill);
        }

        await Guest.ShellAsync(bench.World, $"ip route add 192.168.255.0/24 via {NetworkBench.UplinkAddress}");
        Assert.True(await Guest.ReachesAsync(bench.Host, nic.Address!, tries: 5)); // the host itself may
        Assert.False(await Guest.ReachesAsync(bench.World, nic.Address!, tries: 2));
    }

    [Fact]
    public async Task Applying_again_changes_nothing_and_leaves_what_is_not_ours()
    {
        await bench.RunAsync("nft 'add table inet foreign; add chain inet foreign c; add rule inet foreign c counter'; ip link add lmforeign type bridge; ip link set lmforeign alias theirs");
        await GuestAsync("web", bench.Nic(Mac, 20));
        var before = await DescribeHostAsync();
        await bench.RestartAsync();
        Assert.Empty(await bench.ApplyAsync());
        Assert.Empty(await bench.ApplyAsync());
        var report = await bench.Host.RunAsync(() => bench.Networks!.SweepAsync(Cancellation));
        Assert.Empty(report.Removed);
        Assert.Equal(before, await DescribeHostAsync());
        Assert.Contains("table inet foreign", before, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dnsmasq_outlives_the_daemon_and_is_started_again_when_it_dies()
    {
        await GuestAsync("web", bench.Nic(Mac, 20));
        var first = Assert.Single(bench.Dnsmasqs());
        var status = await File.ReadAllTextAsync($"/proc/{first.ProcessId}/status", Cancellation);
        Assert.Contains($"Uid:\t{bench.Instance.DnsmasqUserId}\t", status, StringComparison.Ordinal);
        Assert.Contains("CapEff:\t0000000000001400", status, StringComparison.Ordinal); // net_bind_service and net_admin

        await bench.RestartAsync();
        await bench.ApplyAsync();
        Assert.Equal([first], bench.Dnsmasqs());

        using (var process = ChildProcess.Adopt(first)!)
        {
            process.Send(Signal.Kill);
            await process.WaitForExitAsync(Cancellation);
        }

        Assert.Empty(await bench.ApplyAsync());
        Assert.NotEqual(first, Assert.Single(bench.Dnsmasqs()));
    }

    [Fact]
    public async Task Rules_that_somebody_flushed_come_back()
    {
        await GuestAsync("web", bench.Nic(Mac, 20));
        var before = (await bench.RunAsync("nft list ruleset")).OutputText;
        await bench.RunAsync("nft flush ruleset");
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(await bench.ApplyAsync());
        Assert.Equal(before, (await bench.RunAsync("nft list ruleset")).OutputText);
    }

    [Fact]
    public async Task A_bridge_that_somebody_deleted_comes_back_with_its_guests()
    {
        var nic = bench.Nic(Mac, 20);
        var guest = await GuestAsync("web", nic);
        await guest.AskAddressAsync();
        bench.Netlink.DeleteLink(bench.Bridge.Name);
        Assert.Empty(await bench.ApplyAsync());
        Assert.True(await guest.ReachesAsync("192.168.255.1", tries: 5));
    }

    [Fact]
    public async Task A_subnet_that_the_host_uses_elsewhere_is_refused_with_the_reason()
    {
        await bench.RunAsync("ip address add 192.168.255.200/24 dev uplink");
        Assert.Single(await bench.ApplyAsync());
        Assert.Equal("network.subnetInUse", bench.Status!.Failure!.Code);
        Assert.Contains("uplink", bench.Status.Failure.Message, StringComparison.Ordinal);
        var nic = bench.Nic(Mac, 20);
        var vm = await bench.AddVmAsync("web", nic);
        var refusal = await Assert.ThrowsAsync<ProblemException>(() => bench.Host.RunAsync(() => bench.Networks!.PlugAsync(vm, nic, Cancellation)));
        Assert.Contains("uplink", refusal.Message, StringComparison.Ordinal);

        await bench.RunAsync("ip address delete 192.168.255.200/24 dev uplink");
        Assert.Empty(await bench.ApplyAsync());
        Assert.True(bench.Status.Up);
    }

    [Fact]
    public async Task A_foreign_link_of_our_name_is_refused_and_left_alone()
    {
        var name = bench.Instance.LinkName(bench.NetworkId, "bridge");
        bench.Netlink.CreateBridge(name, new() { Alias = "theirs", MtuBytes = 1400 });
        Assert.Single(await bench.ApplyAsync());
        Assert.Equal("network.linkTaken", bench.Status!.Failure!.Code);
        Assert.Equal(("theirs", 1400, false), (bench.Bridge.Alias, bench.Bridge.MtuBytes, bench.Bridge.IsUp));
    }

    private async Task<Guest> GuestAsync(string name, Api.VmNic nic)
    {
        var vm = await bench.AddVmAsync(name, nic);
        Assert.Empty(await bench.ApplyAsync());
        return bench.Plug(vm, nic);
    }

    private static async Task<string> LookUpAsync(Guest guest, string name) => (await guest.RunAsync($"busybox nslookup {name} 192.168.255.1 2>&1")).OutputText;

    private async Task<string> ConnectUntilHeardAsync()
    {
        var end = BootTimeProvider.Shared.GetTimestamp() + 20_000_000_000;
        while (true)
        {
            var result = await bench.RunAsync("busybox nc -w 2 127.0.0.1 8000 </dev/null");
            if (result.Exit.Succeeded || BootTimeProvider.Shared.GetTimestamp() > end) return result.OutputText;
        }
    }

    private async Task<string> DescribeHostAsync() => (await bench.RunAsync("nft list ruleset; ip -o link show | sed 's/ state .*//'; ip -4 -o address; ip route")).OutputText
        + string.Join('\n', bench.Netlink.ListLinks().Select(link => $"{link.Name} {link.Alias} {link.MasterIndex}")) + string.Join('\n', bench.Dnsmasqs());
}
