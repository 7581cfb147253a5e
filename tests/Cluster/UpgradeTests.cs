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
        int guest = await GuestAsync(host);
        string before = (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version;
        string broken = await UpgradePackageFile.MakeBrokenAsync(bed.Folder, "0.1.9");
        string good = await UpgradePackageFile.MakeAsync(bed.Folder, "0.2.0");

        var none = await host.TryLaminaAsync("cluster", "upgrade", "--package", Path.Combine(bed.Folder, "shared"), "--yes");
        Assert.NotEqual(0, none.Status);
        var halted = await host.TryLaminaAsync("cluster", "upgrade", "--package", broken, "--yes");
        Assert.NotEqual(0, halted.Status);
        Assert.Contains("did not come up, and " + before + " runs again", halted.Error, StringComparison.Ordinal);
        Assert.Equal(before, (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version);
        Assert.Equal(guest, await GuestAsync(host));

        await host.LaminaAsync("cluster", "upgrade", "--package", good, "--yes");
        Assert.Equal("0.2.0", (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version);
        Assert.Equal(guest, await GuestAsync(host));
        await host.KillAsync();
        await host.StartAsync();
        Assert.Equal("0.2.0", (await host.Client.Server.GetAsync(TestContext.Current.CancellationToken)).Version);
        await host.LaminaAsync("vm", "stop", "web1", "--force");

        string old = await UpgradePackageFile.MakeBrokenAsync(bed.Folder, "0.1.5");
        var older = await host.TryLaminaAsync("cluster", "upgrade", "--package", old, "--yes");
        Assert.Contains("which is newer than 0.1.5", older.Error, StringComparison.Ordinal);
    }

    /// <summary>Its process.</summary>
    private static async Task<int> GuestAsync(BedHost host)
    {
        var vm = JsonNode.Parse(await host.LaminaAsync("vm", "show", "web1", "--format", "json"))!;
        Assert.Equal("running", (string?)vm["status"]!["state"]);
        return CgroupManager.Detect(host.Instance.CgroupName).ReadMembers((string)vm["id"]!).Single();
    }
}
