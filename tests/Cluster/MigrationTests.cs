using Lamina.Api;
using Lamina.Testing.Checker;

namespace Lamina.Tests.Cluster;

/// <summary>Guests go from host to host, each with its own daemon, voter and network; what they have gone through is judged from outside.</summary>
public sealed class MigrationTests
{
    [Fact]
    public async Task AGuestGoesFromHostToHostWithAndWithoutItsDisk()
    {
        var deadline = TestContext.Current.CancellationToken;
        await using var bed = await ClusterBed.StartClusterAsync(2);
        await using var guests = await BedGuests.PrepareAsync(bed, deadline);
        var (first, second) = (bed.Hosts[0], bed.Hosts[1]);
        var walker = await guests.LaunchAsync("walker", first, BedGuests.SharedPool, deadline);
        var packer = await guests.LaunchAsync("packer", second, null, deadline);

        var walks = await second.Client.Vms.MigrateAsync("walker", new VmMigrate { To = "host2" }, deadline);
        var packs = await first.Client.Vms.MigrateAsync("packer", new VmMigrate { To = "host1", WithStorage = true }, deadline);
        foreach (var operation in new[] { walks, packs })
        {
            var ended = await guests.EndOfAsync(operation);
            Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        }

        Assert.Same(second, (await guests.RestsAsync(walker, runs: 1)).Host);
        Assert.Same(first, (await guests.RestsAsync(packer, runs: 1)).Host);
    }
}
