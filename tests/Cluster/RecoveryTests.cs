using Lamina.Api;

namespace Lamina.Tests.Cluster;

/// <summary>The cluster's store after losses.</summary>
public sealed class RecoveryTests
{
    [Fact]
    public async Task AVoterThatHasLostItsDataComesAgainAndOneVoterOfThreeIsEnoughToGoOn()
    {
        await using var bed = await ClusterBed.StartClusterAsync(3);
        var (first, second, third) = (bed.Hosts[0], bed.Hosts[1], bed.Hosts[2]);

        await third.StopAsync();
        await third.KillEtcdAsync();
        Directory.Delete(Path.Combine(third.Instance.EtcdDirectory, "data"), recursive: true);
        await third.StartAsync();
        await Eventually.BecomesAsync(_ => Task.FromResult(third.Words.Contains("asks to be removed and added again", StringComparison.Ordinal)), "the loss is noticed");
        await Eventually.BecomesAsync(_ => Task.FromResult(third.EtcdProcessId is not null), "it runs an etcd again");
        await bed.WaitForVotersAsync(3);
        await CreateProjectAsync(first, "kept");

        foreach (var lost in new[] { second, third })
        {
            await lost.KillAsync();
            await lost.KillEtcdAsync();
        }

        await first.StopAsync();
        string said = await first.LaminadAsync("cluster-recover");
        Assert.Contains("in generation 2", said, StringComparison.Ordinal);
        await first.StartAsync();
        Assert.Contains(await first.Client.Projects.ListAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken), project => project.Name == "kept");
        await CreateProjectAsync(first, "new");

        // Nobody has said that the others are dead: what they have of the store counts no more, but they are members still.
        foreach (var back in new[] { second, third })
        {
            await back.StartAsync();
            Assert.Contains("turns to the store that was recovered", back.Words, StringComparison.Ordinal);
        }

        await bed.WaitForVotersAsync(3);
        Assert.Contains("new", await ProjectsAsync(third));
    }

    [Fact]
    public async Task OldVotersThatFormTheirMajorityAgainTurnToTheStoreThatWasRestoredFromASnapshot()
    {
        await using var bed = await ClusterBed.StartAsync(3);
        var (first, second, third) = (bed.Hosts[0], bed.Hosts[1], bed.Hosts[2]);
        await CreateProjectAsync(first, "kept");
        await first.LaminaAsync("cluster", "init", "--name", "bed");
        string snapshot = "";
        await Eventually.BecomesAsync(_ => Task.FromResult((snapshot = SnapshotOf(first)).Length > 0), "the daemon takes a snapshot of its store");
        foreach (var host in new[] { second, third }) await bed.JoinAsync(host);
        await bed.WaitForVotersAsync(3);
        await CreateProjectAsync(first, "lost");
        foreach (var host in bed.Hosts)
        {
            await host.KillAsync();
            await host.KillEtcdAsync();
        }

        string said = await first.LaminadAsync("cluster-recover", "--snapshot", snapshot);
        Assert.Contains("in generation 2", said, StringComparison.Ordinal);
        await Task.WhenAll(second.StartAsync(), third.StartAsync());
        await Eventually.BecomesAsync(async _ => (await ProjectsAsync(second)).Contains("lost"), "two old voters are a majority of the store that was given up");

        // The snapshot is from before they joined: it does not even know them.
        await first.StartAsync();
        await bed.WaitForVotersAsync(3);
        foreach (var host in bed.Hosts)
        {
            host.ForgetStore();
            var projects = await ProjectsAsync(host);
            Assert.Contains("kept", projects);
            Assert.DoesNotContain("lost", projects);
        }

        Assert.Contains("the copy here counts no more", second.Words + third.Words, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetDirectories(second.Instance.DataDirectory, "etcd-before-*"));
    }

    private static string SnapshotOf(BedHost host) =>
        Directory.Exists(host.Instance.BackupDirectory) ? Directory.EnumerateFiles(host.Instance.BackupDirectory, "etcd-*.snapshot").FirstOrDefault("") : "";

    private static async Task<string[]> ProjectsAsync(BedHost host) =>
        [.. (await host.Client.Projects.ListAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)).Select(project => project.Name)];

    private static Task CreateProjectAsync(BedHost host, string name) => host.Client.Projects.CreateAsync(new Project { Name = name }, TestContext.Current.CancellationToken);
}
