using Lamina.Api;

namespace Lamina.Tests.Cluster;

/// <summary>Guests go from host to host, each with its own daemon and network; what they have gone through is judged from outside. Many more, by chance: <c>./dev faults</c>.</summary>
public sealed class MigrationTests
{
    private const string Cable = "mig0", CablePrefix = "10.9.0.";
    private const long MostBytesPerSecond = 24 << 20;
    private const int LastWords = 40;

    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Reporting = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task GuestsGoFromHostToHostWithAndWithoutTheirDisksAndStayWholeWhateverFails()
    {
        var deadline = TestContext.Current.CancellationToken;
        await using var bed = await ClusterBed.StartClusterAsync(2);
        bed.Cable(Cable, CablePrefix);
        await using var guests = await BedGuests.PrepareAsync(bed, deadline);
        await using var relay = await bed.StartRelayAsync();
        var (first, second) = (bed.Hosts[0], bed.Hosts[1]);
        var trial = new BedTrial(bed, guests, relay, TimeSpan.FromMinutes(3));
        var walker = await guests.LaunchAsync("walker", second, BedGuests.SharedPool, deadline);
        var packer = await guests.LaunchAsync("packer", second, pool: null, deadline);

        await GoesOverTheCableAsync(walker, first, guests, deadline);
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
            if (results.Any(result => result.Wrong is not null)) Tell(bed);
            Assert.All(results, result => Assert.Null(result.Wrong));
            return results;
        }

        BedHost OtherThan(Vm vm) => guests.ProcessesOf(vm.Id).Single().Host == first ? second : first;
    }

    /// <summary>What the hosts have said last, beside the failure.</summary>
    private static void Tell(ClusterBed bed)
    {
        foreach (var host in bed.Hosts) TestContext.Current.TestOutputHelper?.WriteLine($"{host.Name}:\n{string.Join('\n', host.Words.Split('\n').TakeLast(LastWords))}");
    }

    /// <summary>The network that is set aside for it carries the guest, and nothing else does; a bound on the rate is kept. Judged by what the cards have carried.</summary>
    private static async Task GoesOverTheCableAsync(Vm vm, BedHost to, BedGuests guests, CancellationToken deadline)
    {
        await to.LaminaAsync("migration", "set", "--network", $"{CablePrefix}0/24");
        var asked = new VmMigrate { To = to.Name, MaxBytesPerSecond = MostBytesPerSecond };
        // Each host tells once a minute which addresses it has.
        await Eventually.BecomesAsync(
            async cancellation => (await to.Client.Vms.ForecastMigrationAsync(vm.Id, asked, cancellation)) is { Address: CablePrefix + "1", Blockers.Count: 0 }, "the hosts tell of the cable", Reporting);
        var unbound = await to.Client.Vms.ForecastMigrationAsync(vm.Id, asked with { MaxBytesPerSecond = null }, deadline);
        var bound = await to.Client.Vms.ForecastMigrationAsync(vm.Id, asked, deadline);
        Assert.True(bound.Streams == 1 && unbound.Streams > 1, "A slow stream needs no company, a fast cable does.");

        var (cable, lan) = (to.BytesOf(Cable), to.BytesOf(BedHost.Link));
        var ended = await guests.EndOfAsync(await to.Client.Vms.MigrateAsync(vm.Id, asked, deadline));
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        var (sent, elapsed) = ((long)ended.State.Result!["transferredBytes"]!, TimeSpan.FromMilliseconds((long)ended.State.Result["elapsedMs"]!));
        (cable, lan) = (to.BytesOf(Cable) - cable, to.BytesOf(BedHost.Link) - lan);
        Assert.True(cable >= sent && lan < sent / 2, $"{sent} bytes were sent: {cable} over the cable, {lan} over the network of the cluster");
        // What is left at the switch goes at once.
        Assert.True(cable / elapsed.TotalSeconds < MostBytesPerSecond * 1.5, $"{cable} bytes in {elapsed.TotalSeconds:0.0} s are above {MostBytesPerSecond} a second");
        Assert.Same(to, (await guests.RestsAsync(vm, runs: 1)).Host);
    }
}
