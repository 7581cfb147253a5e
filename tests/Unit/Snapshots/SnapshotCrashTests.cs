using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Snapshots;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Snapshots;

/// <summary>
/// The daemon dies just before and just after each of its commits while snapshots are taken, restored and deleted and the VM is suspended. The next one
/// completes or undoes: the guest goes on, QEMU's chain and the recorded one agree, and what was interrupted can be asked for again.
/// </summary>
public class SnapshotCrashTests
{
    private static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }], Start = true };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheDaemonMayDieAtAnyCommit(bool diesAfter)
    {
        var (last, deaths) = await MortalStore.DieAtEachCommitAsync(commit => LiveAsync(commit, diesAfter));

        Assert.InRange(last, 15, 150);
        // Progress of operations is written now and then only, so the last numbers may not be reached each time.
        Assert.InRange(deaths, last - 10, last);
    }

    private static async Task<MortalStore> LiveAsync(int lastCommit, bool diesAfter)
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine, mortal: store => new MortalStore(store) { LastCommit = lastCommit, DiesAfter = diesAfter });
        var first = host.DaemonStore;
        var (vm, created) = await host.CreateVmAsync(Small);
        await SucceedsAsync(host, engine, () => Task.FromResult(created));
        string cold = await TakeAsync(host, engine, vm, "cold", withMemory: false);
        Agree(host, engine, vm);
        string warm = await TakeAsync(host, engine, vm, "warm", withMemory: true);
        Agree(host, engine, vm);
        await SucceedsAsync(host, engine, () => host.JobAsync(HostSnapshots.Restore, warm));
        await host.StatusAsync(vm, status => status is { State: VmState.Running, Memory: null });
        Agree(host, engine, vm);
        await SucceedsAsync(host, engine, () => host.JobAsync(HostSnapshots.Delete, cold));
        Agree(host, engine, vm);
        await SucceedsAsync(host, engine, () => host.JobAsync(HostSnapshots.Suspend, vm));
        Assert.DoesNotContain(engine.Guests, guest => guest.IsAlive);
        Assert.Equal(VmState.Suspended, (await host.StateAsync(vm, VmState.Suspended)).State);
        await SucceedsAsync(host, engine, () => host.AskAsync(vm, VmOperations.Start, PowerWanted.Running));
        Agree(host, engine, vm);
        await SucceedsAsync(host, engine, () => host.JobAsync(HostSnapshots.Delete, warm));
        Agree(host, engine, vm);
        return first;
    }

    private static async Task<string> TakeAsync(VmTestHost host, FakeEngine engine, string vm, string name, bool withMemory)
    {
        string id = "";
        await SucceedsAsync(host, engine, async () =>
        {
            (id, string operation) = await host.SnapshotAsync(vm, name, withMemory);
            return operation;
        });
        return id;
    }

    /// <summary>What an interruption has undone is asked for once more.</summary>
    private static async Task SucceedsAsync(VmTestHost host, FakeEngine engine, Func<Task<string>> ask)
    {
        while (true)
        {
            string operation = await ask();
            var ended = await host.EndDespiteDeathAsync(operation);
            Assert.InRange(engine.Guests.Count(guest => guest.IsAlive), 0, 1);
            if (ended.Phase == OperationPhase.Succeeded) return;
            Assert.True(ended.Failure!.Code == "operation.interrupted", $"{operation}: {ended.Failure}");
            Assert.Equal(RunState.Running, Assert.Single(engine.Guests, guest => guest.IsAlive).State);
        }
    }

    /// <summary>The guest runs, and the files that QEMU has are those on record.</summary>
    private static void Agree(VmTestHost host, FakeEngine engine, string vm)
    {
        var snapshot = host.Cache.Snapshot;
        var guest = Assert.Single(engine.Guests, guest => guest.IsAlive);
        Assert.Equal(RunState.Running, guest.State);
        Assert.Null(snapshot.Get(Keys.Vms.Status, vm)!.Record.Job);
        string disk = snapshot.Get(Keys.Vms.Spec, vm)!.Record.Disks.Single().Disk;
        var layers = new DiskLayers(snapshot.Get(Keys.Disks.Status, disk)!.Record);
        string[] recorded = [.. layers.ChainOf(layers.Active).Select(DiskLayers.FileOf)];
        string[] used = [.. DiskChain.Of(guest.Definition.Disks.Single()).Select(file => Path.GetFileNameWithoutExtension(file.Path))];
        Assert.Equal(used, recorded[^used.Length..]);
        Assert.Equal(used.Length, recorded.Length);
    }
}
