using Lamina.Api;

namespace Lamina.Tests.Cluster;

/// <summary>A person's word that a host is dead: wrong, and the host comes back with a guest that has run on; then right.</summary>
public sealed class TakeoverTests
{
    [Fact]
    public async Task AVmThatWasTakenOverRunsOnceWhetherTheWordWasWrongOrRight()
    {
        var deadline = TestContext.Current.CancellationToken;
        await using var bed = await ClusterBed.StartClusterAsync(3);
        await using var guests = await BedGuests.PrepareAsync(bed, deadline);
        var (first, third) = (bed.Hosts[0], bed.Hosts[2]);
        var vm = await guests.LaunchAsync("web", third, BedGuests.SharedPool, deadline);
        Assert.Contains("lives", (await first.TryLaminaAsync("vm", "take-over", "web", "--from", "host3", "--i-know-it-is-dead", "--yes")).Error, StringComparison.Ordinal);

        // Cut off, its guest runs on: silence proves nothing, and the lock on the disk holds where a word is wrong.
        await bed.Links.SetAsync(third.Number, new BedLine { IsCut = true });
        await SilentAsync(first, third);
        Assert.Contains("silent", (await first.TryLaminaAsync("vm", "take-over", "web", "--from", "host3")).Error, StringComparison.Ordinal);
        var refused = await first.TryLaminaAsync("vm", "take-over", "web", "--from", "host3", "--i-know-it-is-dead", "--yes");
        Assert.NotEqual(0, refused.Status);
        Assert.Contains("lock", refused.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Same(third, Assert.Single(guests.ProcessesOf(vm.Id)).Host);

        // It comes back, finds a higher epoch, and ends what the VM has outlived.
        await bed.Links.SetAsync(third.Number, BedLine.Whole);
        await Eventually.BecomesAsync(_ => Task.FromResult(guests.ProcessesOf(vm.Id).All(process => process.Host != third)), "the host that came back has ended its instance");
        // Lines that were cut come again one by one: until the last has, the store may have no answer in time.
        await Eventually.BecomesAsync(async _ => (await first.TryLaminaAsync("vm", "start", "web")).Status == 0, "the store takes the order to start");
        var (owner, _) = await guests.RestsAsync(vm, runs: 2);
        Assert.NotSame(third, owner);

        // Dead in truth: the guest starts anew elsewhere from what it had written, and the host finds nothing to do when it is back.
        await owner.KillAsync();
        await owner.KillEtcdAsync();
        BedGuests.Kill(Assert.Single(guests.ProcessesOf(vm.Id)).Process);
        var other = bed.Hosts.First(host => host != owner);
        await SilentAsync(other, owner);
        await other.LaminaAsync("vm", "take-over", "--all", "--from", owner.Name, "--i-know-it-is-dead", "--yes");
        var (now, _) = await guests.RestsAsync(vm, runs: 3);
        Assert.NotSame(owner, now);
        await owner.StartAsync();
        Assert.Same(now, (await guests.RestsAsync(vm, runs: 3)).Host);
        Assert.Null((await owner.Client.Hosts.GetAsync(owner.Name, deadline)).Value.Death);
        var told = await other.Client.Events.ListAsync(deadline).Where(happened => happened.Target?.Id == vm.Id).Select(happened => happened.Kind).ToListAsync(deadline);
        Assert.Single(told, kind => kind == "vm.outlived");
        Assert.Equal(2, told.Count(kind => kind == "vm.takenOver"));
    }

    private static Task SilentAsync(BedHost asked, BedHost silent) =>
        Eventually.BecomesAsync(async cancellation => (await asked.Client.Hosts.GetAsync(silent.Name, cancellation)).Value.LiveSince is null, $"{silent.Name} is silent");
}
