using System.Net;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Linux.Network;

namespace Lamina.Tests.Cluster;

/// <summary>Hosts join a cluster, or are refused before anything has changed.</summary>
public sealed class JoiningTests
{
    private const string Unroutable = "10.99.0.1";

    [Fact]
    public async Task AHostThatDoesNotFitLearnsAllThatStandsAgainstItAndAFittingOneJoinsOnce()
    {
        await using var bed = await ClusterBed.StartAsync(2);
        var (first, second) = (bed.Hosts[0], bed.Hosts[1]);
        await first.LaminaAsync("cluster", "init", "--name", "dc1");
        string token = (await first.LaminaAsync("cluster", "token")).Trim();
        foreach (var host in bed.Hosts) await host.LaminaAsync("disk", "create", "data", "--size", "10MiB");
        second.Network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.AddAddress(BedHost.Link, IPAddress.Parse(Unroutable), 32);
        });

        var garbled = await second.TryLaminaAsync("cluster", "join", "lmj_garbled");
        Assert.NotEqual(0, garbled.Status);
        Assert.Contains("no join token", garbled.Error, StringComparison.Ordinal);
        var misfit = await second.TryLaminaAsync("cluster", "join", token, "--address", Unroutable);
        Assert.NotEqual(0, misfit.Status);
        Assert.Contains($"does not reach host2 at {Unroutable}", misfit.Error, StringComparison.Ordinal);
        Assert.Contains("a disk data already", misfit.Error, StringComparison.Ordinal);
        Assert.False((await second.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).IsCluster);
        Assert.Single(await HostsAsync(first));

        await second.LaminaAsync("disk", "rename", "data", "data2");
        await second.LaminaAsync("cluster", "join", token);
        Assert.Equal(["data", "data2"], (await first.Client.Disks.ListAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)).Select(disk => disk.Name).Order(StringComparer.Ordinal));
        Assert.Equal(["host1", "host2"], await HostsAsync(first));
        Assert.Equal(["host1", "host2"], await HostsAsync(second));
        var status = await second.Client.Cluster.GetAsync(TestContext.Current.CancellationToken);
        Assert.Contains(status.Notes, note => note.StartsWith("host1 alone keeps the store.", StringComparison.Ordinal));

        var third = bed.Add();
        await third.StartAsync();
        var used = await third.TryLaminaAsync("cluster", "join", token);
        Assert.Contains("used already, by the host host2", used.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ThreeHostsBearTheDeathOfAnyDaemonAndAnyEtcd()
    {
        await using var bed = await ClusterBed.StartClusterAsync(3);
        var (first, second, third) = (bed.Hosts[0], bed.Hosts[1], bed.Hosts[2]);

        await first.KillEtcdAsync();
        await CreateProjectAsync(second, "one");
        await Eventually.BecomesAsync(_ => Task.FromResult(first.EtcdProcessId is not null), "the daemon has started its etcd again");
        await first.KillAsync();
        await first.KillEtcdAsync();
        await CreateProjectAsync(third, "two");

        await first.StartAsync();
        await Eventually.BecomesAsync(async cancellation => (await first.Client.Projects.ListAsync(cancellation).ToListAsync(cancellation)).Count == 3, "the first host sees what was written while it was away");
        await CreateProjectAsync(first, "three");
    }

    private static Task CreateProjectAsync(BedHost host, string name) => host.Client.Projects.CreateAsync(new Project { Name = name }, TestContext.Current.CancellationToken);

    private static async Task<IEnumerable<string>> HostsAsync(BedHost host) =>
        JsonNode.Parse(await host.LaminaAsync("host", "list", "--format", "json"))!.AsArray().Select(found => (string)found!["name"]!).Order(StringComparer.Ordinal);
}
