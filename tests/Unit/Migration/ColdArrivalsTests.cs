using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Migration.Cold;
using Lamina.Server.Pools;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>What a target's daemon had brought when it died: the next one removes what is nobody's, and nothing else.</summary>
public class ColdArrivalsTests
{
    [Fact]
    public async Task WhatWasBroughtInVainIsRemovedAtTheNextStartAndWhatIsTheVmsStays()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var host = pair.Second;
        string to = await host.AddPoolAsync("second");
        var spec = host.Cache.Snapshot.Get(Keys.Vms.Spec, id)!.Record;
        string disk = spec.Disks[0].Disk;
        string from = host.Cache.Snapshot.Get(Keys.Disks.Spec, disk)!.Record.Pool;
        var pool = new PoolPaths(host.Cache.Snapshot.Get(Keys.Pools.Spec, to)!.Record.Path);
        var record = new VmHandover
        {
            Nonce = "n", Operation = "o", From = pair.First.Id, To = host.Id, Epoch = 1, Kind = HandoverKind.Cold,
            Disks = [new HandoverDisk { Disk = disk, From = from, To = to }], Home = new HandoverHome { From = from, To = to },
        };

        foreach (bool isTheVms in new[] { false, true })
        {
            Directory.CreateDirectory(pool.DiskFolder(disk));
            Directory.CreateDirectory(pool.NvramFolder(id));
            if (isTheVms) await host.WriteAsync(change => change
                .Put(Keys.Disks.Spec, disk, host.Cache.Snapshot.Get(Keys.Disks.Spec, disk)!.Record with { Pool = to })
                .Put(Keys.Vms.Spec, id, host.Cache.Snapshot.Get(Keys.Vms.Spec, id)!.Record with { HomePool = to }));
            await host.StopDaemonAsync();
            new ColdArrivals(host.Instance.ArrivalsDirectory, null!, null!).Note(id, record);
            await host.StartDaemonAsync();
            await UntilAsync(() => Directory.GetFiles(host.Instance.ArrivalsDirectory).Length == 0);
            Assert.Equal(isTheVms, Directory.Exists(pool.DiskFolder(disk)));
            Assert.Equal(isTheVms, Directory.Exists(pool.VmFolder(id)));
        }
    }

    /// <summary>No record says that a file is gone.</summary>
    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!isSo()) await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
    }
}
