using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Server.Networks;

namespace Lamina.Tests.Cluster;

/// <summary>A host that has guests of its own joins: all clashes are told first, then everything comes along, and what runs runs on.</summary>
public sealed class ImportTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AHostBringsItsRunningGuestAlongOnceNothingClashes()
    {
        await using var bed = await ClusterBed.StartAsync(1);
        var first = bed.Hosts[0];
        string network = await NetworkOfAsync(first, "default");
        var second = bed.Add();
        string subnet = (string)JsonNode.Parse(await first.LaminaAsync("network", "show", "default", "--format", "json"))!["spec"]!["subnet"]!;
        await File.WriteAllTextAsync(Path.Combine(second.Instance.ConfigurationDirectory, "lamina.yaml"), $"network:\n  subnet: {subnet}\n", Cancellation);
        await second.StartAsync();
        foreach (var host in bed.Hosts) await host.LaminaAsync("vm", "launch", "web1", "--memory", "64MiB", "--disk", "10MiB");
        await first.LaminaAsync("cluster", "init", "--name", "dc1");
        var before = await RunningAsync(second);
        string token = (await first.LaminaAsync("cluster", "token")).Trim();

        var refused = await second.TryLaminaAsync("cluster", "join", token);
        Assert.NotEqual(0, refused.Status);
        foreach (string clash in new[] { "a vm web1 already", "lamina vm rename web1 NEW", "a disk web1", "has the address" }) Assert.Contains(clash, refused.Error, StringComparison.Ordinal);
        Assert.False((await second.Client.Cluster.GetAsync(Cancellation)).IsCluster);
        Assert.Equal(before, await RunningAsync(second));

        await first.LaminaAsync("vm", "delete", "web1", "--force", "--yes");
        await second.LaminaAsync("cluster", "join", token);
        Assert.Equal(before, await RunningAsync(second));
        Assert.Equal(before.Id, (await RunningAsync(second, first)).Id);
        Assert.Equal(network, (await first.Client.Vms.GetAsync("web1", Cancellation)).Value.Spec.Nics[0].Network);
        Assert.Equal(["default", "default-host2"], (await first.Client.Pools.ListAsync(Cancellation).ToListAsync(Cancellation)).Select(pool => pool.Name).Order(StringComparer.Ordinal));
        await Eventually.BecomesAsync(_ => Task.FromResult(IsPlugged(second, before.Id, network)), "the guest's card is in the cluster's network");
        await first.LaminaAsync("vm", "stop", "web1", "--force");
        await first.LaminaAsync("vm", "start", "web1");
        await first.LaminaAsync("vm", "delete", "web1", "--force", "--yes");
    }

    private static async Task<string> NetworkOfAsync(BedHost host, string name) => (string)JsonNode.Parse(await host.LaminaAsync("network", "show", name, "--format", "json"))!["id"]!;

    /// <summary>Its state as the asked host tells it, which run it is, and its process on the host that has it.</summary>
    private static async Task<(string Id, string? State, long Run, int ProcessId)> RunningAsync(BedHost host, BedHost? asked = null)
    {
        var vm = JsonNode.Parse(await (asked ?? host).LaminaAsync("vm", "show", "web1", "--format", "json"))!;
        string id = (string)vm["id"]!;
        return (id, (string?)vm["status"]!["state"], (long)vm["status"]!["run"]!, CgroupManager.Detect(host.Instance.CgroupName).ReadMembers(id).Single());
    }

    private static bool IsPlugged(BedHost host, string vm, string network) => host.Network.Run(() =>
    {
        using var netlink = new Netlink();
        var bridge = netlink.FindLink(host.Instance.LinkName(network, NetworkPlan.BridgeSlot));
        return bridge is not null && netlink.FindLink(NetworkPlan.TapOf(host.Instance, vm, 0))?.MasterIndex == bridge.Index;
    });
}
