using Lamina.Linux.Network;
using Lamina.Server;
using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

public sealed class NicTapTests : IAsyncLifetime
{
    private const string Mac = "52:54:00:00:00:01";

    private NetworkBench bench = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => bench = await NetworkBench.CreateAsync();

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Fact]
    public async Task A_card_is_plugged_with_its_rules_in_place_and_unplugged()
    {
        var nic = bench.Nic(Mac, 20);
        var vm = await bench.AddVmAsync("web", nic);
        var tap = await PlugAsync(vm, nic); // the first of all: the network comes up by it
        var link = bench.Netlink.FindLink(tap)!;
        Assert.Equal((bench.Instance.LinkOwner(vm, "nic0"), 1450, true), (link.Alias, link.MtuBytes, link.IsUp));
        Assert.Equal(bench.Bridge.Index, link.MasterIndex);
        Assert.Contains($"\"{tap}\" . {Mac}", (await bench.RunAsync("nft list ruleset")).OutputText, StringComparison.Ordinal);
        bench.Host.Run(() => TapDevice.Open(tap)).Dispose(); // as the engine does

        bench.Networks!.Unplug(vm, 0);
        bench.Networks!.Unplug(vm, 0);
        Assert.Null(bench.Netlink.FindLink(tap));
    }

    [Fact]
    public async Task What_a_crash_left_of_a_tap_is_no_hindrance()
    {
        var nic = bench.Nic(Mac, 20);
        var vm = await bench.AddVmAsync("web", nic);
        var first = await PlugAsync(vm, nic);
        var index = bench.Netlink.FindLink(first)!.Index;
        await bench.RestartAsync();
        Assert.Equal(first, await PlugAsync(vm, nic));
        Assert.NotEqual(index, bench.Netlink.FindLink(first)!.Index);
    }

    [Fact]
    public async Task The_sweep_removes_taps_of_no_vm_but_never_one_in_use()
    {
        var nic = bench.Nic(Mac, 20);
        var (kept, lost, held) = (await bench.AddVmAsync("kept", nic), await LostTapAsync(21), await LostTapAsync(22));
        var keptTap = await PlugAsync(kept, nic);
        using var holder = bench.Host.Run(() => TapDevice.Open(held));
        bench.Netlink.CreateBridge("lmaaaaaaaaaaaaa", new());
        bench.Netlink.CreateBridge("lmbbbbbbbbbbbbb", new() { Alias = "lamina/another/0197/bridge" });

        var report = await bench.Host.RunAsync(() => bench.Networks!.SweepAsync(Cancellation));
        Assert.Contains(lost, Assert.Single(report.Removed), StringComparison.Ordinal);
        Assert.Equal(2, report.Orphans.Count);
        Assert.Contains(report.Orphans, orphan => orphan.Contains(held, StringComparison.Ordinal) && orphan.Contains("in use", StringComparison.Ordinal));
        Assert.Contains(report.Orphans, orphan => orphan.Contains("lmaaaaaaaaaaaaa", StringComparison.Ordinal));
        Assert.NotNull(bench.Netlink.FindLink(keptTap));
        Assert.NotNull(bench.Netlink.FindLink(held));
        Assert.NotNull(bench.Netlink.FindLink("lmbbbbbbbbbbbbb"));
        Assert.Null(bench.Netlink.FindLink(lost));
    }

    [Fact]
    public async Task A_deleted_network_leaves_nothing_behind()
    {
        await bench.ApplyAsync();
        var (id, bridge) = (bench.NetworkId, bench.Bridge.Name);
        var server = Assert.Single(bench.Dnsmasqs());
        await bench.RemoveNetworkAsync();
        Assert.Empty(await bench.ApplyAsync());
        var report = await bench.Host.RunAsync(() => bench.Networks!.SweepAsync(Cancellation));
        Assert.Equal(2, report.Removed.Count);
        Assert.Null(bench.Netlink.FindLink(bridge));
        Assert.False(server.IsRunning());
        Assert.DoesNotContain(bridge, (await bench.RunAsync("nft list ruleset")).OutputText, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(bench.Instance.RunDirectory, "networks", id)));
    }

    [Fact]
    public async Task All_of_an_instance_is_taken_off_the_host_once_no_guest_is_plugged_in()
    {
        var nic = bench.Nic(Mac, 20);
        var vm = await bench.AddVmAsync("web", nic);
        var tap = await PlugAsync(vm, nic);
        bench.Netlink.CreateBridge("lmbbbbbbbbbbbbb", new() { Alias = "lamina/another/0197/bridge" });
        using (bench.Host.Run(() => TapDevice.Open(tap)))
        {
            var refusal = await Assert.ThrowsAsync<ProblemException>(RemoveAllAsync);
            Assert.Contains(tap, refusal.Message, StringComparison.Ordinal);
            Assert.Single(bench.Dnsmasqs());
        }

        bench.Networks!.Unplug(vm, 0);
        var server = Assert.Single(bench.Dnsmasqs());
        Assert.Equal(3, (await RemoveAllAsync()).Count);
        Assert.False(server.IsRunning());
        Assert.DoesNotContain(bench.Instance.NftTable, (await bench.RunAsync("nft list tables")).OutputText, StringComparison.Ordinal);
        Assert.Equal("lmbbbbbbbbbbbbb", Assert.Single(bench.Netlink.ListLinks(), link => link.Kind == "bridge").Name);

        await bench.RestartAsync();
        Assert.Empty(await bench.ApplyAsync());
        Assert.Single(bench.Dnsmasqs());
    }

    private Task<IReadOnlyList<string>> RemoveAllAsync() => bench.Host.RunAsync(() => NetworkRemoval.RunAsync(bench.Instance, TimeProvider.System, Cancellation));

    private Task<string> PlugAsync(string vm, Api.VmNic nic) => bench.Host.RunAsync(() => bench.Networks!.PlugAsync(vm, nic, Cancellation));

    /// <summary>The tap of a VM whose records are gone.</summary>
    private async Task<string> LostTapAsync(int guest)
    {
        var nic = bench.Nic($"52:54:00:00:01:{guest}", guest);
        var vm = await bench.AddVmAsync($"lost{guest}", nic);
        var tap = await PlugAsync(vm, nic);
        await bench.RemoveVmAsync(vm);
        return tap;
    }
}
