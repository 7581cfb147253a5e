namespace Lamina.Tests.Cluster;

/// <summary>The daemon dies in the midst of becoming a member; the next start has all of it or none, and the same command ends it well.</summary>
public sealed class SuddenDeathTests
{
    [Fact]
    public async Task ADaemonThatDiesInAnInitOrAJoinComesToRestAndDoesItAgain()
    {
        await using var bed = await ClusterBed.StartAsync(2);
        var (first, second) = (bed.Hosts[0], bed.Hosts[1]);

        await DieAsync(first, () => first.EtcdProcessId is not null, "cluster", "init", "--name", "dc1");
        if (!(await first.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).IsCluster)
        {
            Assert.Null(first.EtcdProcessId);
            await first.LaminaAsync("cluster", "init", "--name", "dc1");
        }

        await second.LaminaAsync("vm", "launch", "web1", "--memory", "64MiB", "--disk", "10MiB");
        int guest = Assert.Single(GuestsOf(second));
        string token = (await first.LaminaAsync("cluster", "token")).Trim();
        await DieAsync(second, () => File.Exists(second.Instance.MembershipFile), "cluster", "join", token);
        if (!(await second.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).IsCluster)
        {
            await Eventually.BecomesAsync(async cancellation => (await first.Client.Cluster.GetAsync(cancellation)).Members.Count == 1, "the cluster has heard that nobody came");
            await second.LaminaAsync("cluster", "join", token);
        }

        Assert.Equal("web1", Assert.Single(await first.Client.Vms.ListAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)).Name);
        Assert.Equal(guest, Assert.Single(GuestsOf(second)));
        await Eventually.BecomesAsync(async cancellation => (await first.Client.Cluster.GetAsync(cancellation)).Members.Count(member => member.Live == true) == 2, "both are live members");
    }

    private static IEnumerable<int> GuestsOf(BedHost host)
    {
        var groups = Linux.Cgroups.CgroupManager.Detect(host.Instance.CgroupName);
        return groups.List().SelectMany(group => groups.ReadMembers(group.Name));
    }

    /// <summary>Kills the daemon as soon as the sign is there, and starts it again.</summary>
    private static async Task DieAsync(BedHost host, Func<bool> sign, params string[] command)
    {
        var asked = host.TryLaminaAsync(command);
        await Eventually.BecomesAsync(_ => Task.FromResult(sign() || asked.IsCompleted), "the daemon is in the midst of it");
        await host.KillAsync();
        await host.StartAsync();
        await asked;
    }
}
