using Lamina.Api;

namespace Lamina.Tests.Cluster;

/// <summary>Guests go from host to host, each with its own daemon and network; what they have gone through is judged from outside. Many more, by chance: <c>./dev faults</c>.</summary>
public sealed class MigrationTests
{
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(700);

    [Fact]
    public async Task GuestsGoFromHostToHostWithAndWithoutTheirDisksAndStayWholeWhateverFails()
    {
        var deadline = TestContext.Current.CancellationToken;
        await using var bed = await ClusterBed.StartClusterAsync(2);
        await using var guests = await BedGuests.PrepareAsync(bed, deadline);
        await using var relay = await bed.StartRelayAsync();
        var (first, second) = (bed.Hosts[0], bed.Hosts[1]);
        var trial = new BedTrial(bed, guests, relay, TimeSpan.FromMinutes(3));
        var walker = await guests.LaunchAsync("walker", first, BedGuests.SharedPool, deadline);
        var packer = await guests.LaunchAsync("packer", second, pool: null, deadline);

        var moved = await RunAsync("none", new BedMove(walker, second), new BedMove(packer, first));
        Assert.All(moved, result => Assert.Equal(OperationPhase.Succeeded, result.Phase));
        await RunAsync("target-daemon", new BedMove(packer, second), new BedMove(walker, first));
        await RunAsync("target-qemu", new BedMove(walker, OtherThan(walker)));
        await RunAsync("lost-answers", new BedMove(packer, OtherThan(packer)));

        // At rest its files go along over the line between the hosts, and none stays behind.
        var (to, runs) = (OtherThan(packer), guests.Listener.Of("packer").Runs.Count);
        string disk = (await first.Client.Vms.GetAsync("packer", deadline)).Value.Spec.Disks[0].Disk;
        await first.LaminaAsync("vm", "stop", "packer", "--force", "--yes");
        await first.LaminaAsync("vm", "migrate", "packer", "--to", to.Name, "--with-storage");
        Assert.StartsWith(Path.Combine(bed.Folder, $"h{to.Number}"), Assert.Single(Directory.GetDirectories(bed.Folder, disk, SearchOption.AllDirectories)), StringComparison.Ordinal);
        await first.LaminaAsync("vm", "start", "packer");
        Assert.Same(to, (await guests.RestsAsync(packer, runs + 1)).Host);

        async Task<IReadOnlyList<BedResult>> RunAsync(string fault, params BedMove[] moves)
        {
            var strike = new BedStrike(BedFault.All.Single(known => known.Name == fault), first, Early, Early);
            var results = await trial.RunAsync(moves, strike, deadline);
            Assert.All(results, result => Assert.Null(result.Wrong));
            return results;
        }

        BedHost OtherThan(Vm vm) => guests.ProcessesOf(vm.Id).Single().Host == first ? second : first;
    }
}
