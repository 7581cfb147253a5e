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
    }

    private static Task CreateProjectAsync(BedHost host, string name) => host.Client.Projects.CreateAsync(new Project { Name = name }, TestContext.Current.CancellationToken);
}
