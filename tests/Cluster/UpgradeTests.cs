using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Linux.Cgroups;
using Lamina.Testing.Bed;

namespace Lamina.Tests.Cluster;

/// <summary>Another version comes to the hosts while their guests run on: real packages, real daemons that are replaced.</summary>
public sealed class UpgradeTests
{
    [Fact]
    public async Task AHostAloneIsUpgradedAndAVersionThatDoesNotComeUpIsFollowedByTheOneBefore()
    {
        await using var bed = await ClusterBed.StartAsync(1, supervised: true);
        var host = bed.Hosts[0];
        await host.LaminaAsync("vm", "launch", "web1", "--memory", "64MiB", "--disk", "10MiB");
        int guest = await GuestAsync(bed, host);
        string before = (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version;
        string broken = await UpgradePackageFile.MakeBrokenAsync(bed.Folder, "0.1.9");
        string good = await UpgradePackageFile.MakeAsync(bed.Folder, "0.2.0");

        var none = await host.TryLaminaAsync("cluster", "upgrade", "--package", Path.Combine(bed.Folder, "shared"), "--yes");
        Assert.NotEqual(0, none.Status);
        var halted = await host.TryLaminaAsync("cluster", "upgrade", "--package", broken, "--yes");
        Assert.NotEqual(0, halted.Status);
        Assert.Contains("did not come up, and " + before + " runs again", halted.Error, StringComparison.Ordinal);
        Assert.Equal(before, (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version);
        Assert.Equal(guest, await GuestAsync(bed, host));

        await host.LaminaAsync("cluster", "upgrade", "--package", good, "--yes");
        Assert.Equal("0.2.0", (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version);
        Assert.Equal(guest, await GuestAsync(bed, host));
        await host.KillAsync();
        await host.StartAsync();
        Assert.Equal("0.2.0", (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version);
        await host.LaminaAsync("vm", "stop", "web1", "--force");

        string old = await UpgradePackageFile.MakeBrokenAsync(bed.Folder, "0.1.5");
        var older = await host.TryLaminaAsync("cluster", "upgrade", "--package", old, "--yes");
        Assert.Contains("which is newer than 0.1.5", older.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Length", "long")]
    public async Task ThreeHostsAreUpgradedOneAfterTheOtherAlsoWhenTheLeaderDiesMeanwhile()
    {
        await using var bed = await ClusterBed.StartClusterAsync(3, supervised: true);
        await bed.Hosts[0].LaminaAsync("vm", "launch", "web1", "--memory", "64MiB", "--disk", "10MiB");
        var leader = await LeaderAsync(bed);
        var other = bed.Hosts.First(host => host != leader);
        int guest = await GuestAsync(bed, other);
        string broken = await UpgradePackageFile.MakeBrokenAsync(bed.Folder, "0.1.9");
        string good = await UpgradePackageFile.MakeAsync(bed.Folder, "0.2.0");

        var halted = await other.TryLaminaAsync("cluster", "upgrade", "--package", broken, "--yes");
        Assert.Contains("0 of 3 hosts have version 0.1.9", halted.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await VersionsAsync(other)).Count(version => version == "0.1.0"));

        var plan = JsonNode.Parse(await other.LaminaAsync("cluster", "upgrade", "--package", good, "--dry-run", "--format", "json"))!;
        Assert.Equal(leader.Name, (string?)plan["hosts"]!.AsArray()[^1]!["name"]);
        await other.LaminaAsync("cluster", "upgrade", "--package", good, "--yes", "--no-wait");
        await Eventually.BecomesAsync(async _ => (await VersionsAsync(leader)).Contains("0.2.0"), "the first host has the version");
        await leader.KillAsync();
        await Eventually.BecomesAsync(async cancellation => (await other.Client.Cluster.GetAsync(cancellation)).Level == "0.1", "the level is that of the host that has not got it");
        await leader.StartAsync();

        await Eventually.BecomesAsync(async _ => (await VersionsAsync(other)).All(version => version == "0.2.0"), "all hosts have the version");
        await Eventually.BecomesAsync(async cancellation => await PhaseAsync(other, cancellation) == OperationPhase.Succeeded, "the operation has ended well");
        Assert.Equal("0.2", (await other.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).Level);
        Assert.Equal(guest, await GuestAsync(bed, other));

        // A guest that can go nowhere keeps its host from being emptied; at rest it stays there.
        await other.LaminaAsync("vm", "stop", "web1", "--force");
        string last = await UpgradePackageFile.MakeAsync(bed.Folder, "0.2.1");
        await other.LaminaAsync("cluster", "upgrade", "--package", last, "--evacuate", "--yes");
        Assert.All(await VersionsAsync(other), version => Assert.Equal("0.2.1", version));
        var hosts = await other.Client.Hosts.ListAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.All(hosts, host => Assert.True(host.Fitness!.TakesVms));
    }

    private static async Task<BedHost> LeaderAsync(ClusterBed bed)
    {
        var status = await bed.Hosts[0].Client.Cluster.GetAsync(TestContext.Current.CancellationToken);
        return bed.Hosts.Single(host => host.Name == status.Members.Single(member => member.Leader).Name);
    }

    private static async Task<IReadOnlyList<string?>> VersionsAsync(BedHost host) =>
        [.. (await host.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).Members.Select(member => member.DaemonVersion)];

    /// <summary>Of the upgrade asked for last.</summary>
    private static async Task<OperationPhase?> PhaseAsync(BedHost host, CancellationToken cancellation)
    {
        var operations = await host.Client.Operations.ListAsync(cancellation).ToListAsync(cancellation);
        return operations.Where(operation => operation.Request.Kind == "cluster.upgrade").MaxBy(operation => operation.Id)?.State?.Phase;
    }

    /// <summary>Its process, on whichever host.</summary>
    private static async Task<int> GuestAsync(ClusterBed bed, BedHost asked)
    {
        var vm = JsonNode.Parse(await asked.LaminaAsync("vm", "show", "web1", "--format", "json"))!;
        Assert.Equal("running", (string?)vm["status"]!["state"]);
        return bed.Hosts.SelectMany(host => CgroupManager.Detect(host.Instance.CgroupName).ReadMembers((string)vm["id"]!)).Single();
    }
}
