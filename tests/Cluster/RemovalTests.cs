namespace Lamina.Tests.Cluster;

/// <summary>A host leaves its cluster, by its own will or after its death.</summary>
public sealed class RemovalTests
{
    [Fact]
    public async Task ARemovedHostIsAloneAgainAndADeadOneLearnsOfItWhenItReturns()
    {
        await using var bed = await ClusterBed.StartClusterAsync(3);
        var (first, second, third) = (bed.Hosts[0], bed.Hosts[1], bed.Hosts[2]);

        var wrong = await first.TryLaminaAsync("host", "remove", "host3", "--dead", "--yes");
        Assert.Contains("is not dead", wrong.Error, StringComparison.Ordinal);
        await third.LaminaAsync("cluster", "leave", "--yes");
        await Eventually.BecomesAsync(async cancellation => !(await third.Client.Cluster.GetAsync(cancellation)).IsCluster, "the host that left is alone");
        await bed.WaitForVotersAsync(1);

        await second.KillAsync();
        if (second.EtcdProcessId is not null) await second.KillEtcdAsync();
        await Eventually.BecomesAsync(async cancellation => (await first.Client.Cluster.GetAsync(cancellation)).Members.Any(member => member is { Name: "host2", Live: false }), "the dead host is silent");
        await first.LaminaAsync("host", "remove", "host2", "--dead", "--yes");
        Assert.Single((await first.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).Members);

        await second.StartAsync();
        await Eventually.BecomesAsync(async cancellation => !(await second.Client.Cluster.GetAsync(cancellation)).IsCluster, "the host that came back is alone");
    }
}
