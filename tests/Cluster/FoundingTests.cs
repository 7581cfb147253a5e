using System.Text.Json.Nodes;

namespace Lamina.Tests.Cluster;

/// <summary>One host becomes a cluster, and others join it.</summary>
public sealed class FoundingTests
{
    [Fact]
    public async Task AHostBecomesAClusterWhileItsGuestRunsOn()
    {
        await using var bed = await ClusterBed.StartAsync(1);
        var host = bed.Hosts[0];
        await host.LaminaAsync("vm", "launch", "web1", "--memory", "64MiB", "--disk", "10MiB");
        var before = await RunningAsync(host);

        await host.LaminaAsync("cluster", "init", "--name", "dc1");

        var status = await host.Client.Cluster.GetAsync(TestContext.Current.CancellationToken);
        Assert.True(status.IsCluster);
        Assert.Equal("dc1", status.Name);
        Assert.Equal(before, await RunningAsync(host));
        await host.LaminaAsync("vm", "stop", "web1", "--force");
        Assert.Equal("stopped", (string?)JsonNode.Parse(await host.LaminaAsync("vm", "show", "web1", "--format", "json"))!["status"]!["state"]);
    }

    /// <summary>As the package's removal does it; the data stay.</summary>
    [Fact]
    public async Task WhatIsTakenOffTheHostIsItsEtcdTooAndTheNextDaemonBringsItBack()
    {
        await using var bed = await ClusterBed.StartClusterAsync(1);
        var host = bed.Hosts[0];
        await host.StopAsync();
        Assert.NotNull(host.EtcdProcessId);
        Assert.Contains("stopped etcd", await host.LaminadAsync("remove-networks"), StringComparison.Ordinal);
        Assert.Null(host.EtcdProcessId);
        Assert.DoesNotContain("stopped etcd", await host.LaminadAsync("remove-networks"), StringComparison.Ordinal);
        await host.StartAsync();
        Assert.True((await host.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).IsCluster);
    }

    /// <summary>The state, and which process it is.</summary>
    private static async Task<(string? State, int ProcessId)> RunningAsync(BedHost host)
    {
        var vm = JsonNode.Parse(await host.LaminaAsync("vm", "show", "web1", "--format", "json"))!;
        var groups = Linux.Cgroups.CgroupManager.Detect(host.Instance.CgroupName);
        return ((string?)vm["status"]!["state"], groups.ReadMembers((string)vm["id"]!).Single());
    }
}
