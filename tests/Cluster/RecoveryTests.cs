using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Client;

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
    [Trait("Length", "long")]
    public async Task OldVotersThatFormTheirMajorityAgainTurnToTheStoreThatWasRestoredFromASnapshot()
    {
        await using var bed = await ClusterBed.StartAsync(3);
        var (first, second, third) = (bed.Hosts[0], bed.Hosts[1], bed.Hosts[2]);
        foreach (string guest in new[] { "web1", "web2" }) await first.LaminaAsync("vm", "launch", guest, "--memory", "64MiB", "--disk", "10MiB");
        await CreateProjectAsync(first, "kept");
        await first.LaminaAsync("cluster", "init", "--name", "bed");
        string snapshot = "";
        await Eventually.BecomesAsync(_ => Task.FromResult((snapshot = SnapshotOf(first)).Length > 0), "the daemon takes a snapshot of its store");
        foreach (var host in new[] { second, third }) await bed.JoinAsync(host);
        await bed.WaitForVotersAsync(3);
        await CreateProjectAsync(first, "lost");
        var before = await GuestAsync(first, "web1");
        foreach (var host in new[] { second, third, first })
        {
            if (host == first) await BeWithoutMajorityAsync(first);
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

        // What ran, runs on, and the old state has it running as well; of what ran then, too, nothing is left but the record.
        await Eventually.BecomesAsync(async _ => (await GuestAsync(first, "web1")).Epoch > before.Epoch, "the guest is the first host's by a ruling");
        await Eventually.BecomesAsync(async _ => await GuestAsync(first, "web2") is { State: "stopped", ProcessId: 0 }, "nothing starts by itself");
        Assert.Equal(before.ProcessId, (await GuestAsync(first, "web1")).ProcessId);
        Assert.DoesNotContain("waits", await second.LaminaAsync("cluster", "recovery", "show"), StringComparison.Ordinal);
        Assert.Contains("the copy here counts no more", second.Words + third.Words, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetDirectories(second.Instance.DataDirectory, "etcd-before-*"));
    }

    /// <summary>Guests run on, reads say that they may be old, writes are refused, and root may still cut the power of a guest.</summary>
    private static async Task BeWithoutMajorityAsync(BedHost host)
    {
        await Eventually.BecomesAsync(
            async cancellation => (await host.Client.Cluster.GetAsync(cancellation)).Notes.Any(note => note.Contains("what is shown may be old", StringComparison.Ordinal)), "the loss is noticed");
        var refused = await Assert.ThrowsAsync<LaminaException>(() => CreateProjectAsync(host, "refused"));
        Assert.Equal(503, refused.Problem.Status);
        await host.LaminaAsync("vm", "stop", "web2", "--force");
        Assert.Equal(0, (await GuestAsync(host, "web2")).ProcessId);
        Assert.NotEqual(0, (await GuestAsync(host, "web1")).ProcessId);
    }

    /// <summary>What the records say of a VM, and which process it has on this host; 0: none.</summary>
    private static async Task<(string? State, long Epoch, int ProcessId)> GuestAsync(BedHost host, string name)
    {
        var vm = JsonNode.Parse(await host.LaminaAsync("vm", "show", name, "--format", "json"))!;
        var groups = Linux.Cgroups.CgroupManager.Detect(host.Instance.CgroupName);
        string id = (string)vm["id"]!;
        int process = groups.List().Any(group => group.Name == id) && groups.ReadMembers(id) is [var first, ..] ? first : 0;
        return ((string?)vm["status"]!["state"], (long)vm["assignment"]!["epoch"]!, process);
    }

    private static string SnapshotOf(BedHost host) =>
        Directory.Exists(host.Instance.BackupDirectory) ? Directory.EnumerateFiles(host.Instance.BackupDirectory, "etcd-*.snapshot").FirstOrDefault("") : "";

    private static async Task<string[]> ProjectsAsync(BedHost host) =>
        [.. (await host.Client.Projects.ListAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)).Select(project => project.Name)];

    private static Task CreateProjectAsync(BedHost host, string name) => host.Client.Projects.CreateAsync(new Project { Name = name }, TestContext.Current.CancellationToken);
}
