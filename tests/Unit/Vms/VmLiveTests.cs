using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Vms.Plan;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Changes of VMs that run, over an engine whose guest does as the test says: from the commit of the wish to the end of its operation.</summary>
public class VmLiveTests
{
    private const string SecondDisk = "$.disks[?@.slot==1]";

    private static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, MaxMemoryMiB = 1024, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }] };

    [Fact]
    public async Task ADiskIsMadePluggedAndOnRecord()
    {
        await using var world = await World.StartAsync();
        var (disk, operation) = await world.AddDiskAsync();
        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(operation)).Phase);
        var plugged = Assert.Single(world.Guest.Changes.OfType<VmChange.PlugDisk>());
        Assert.True(File.Exists(plugged.Disk.Path));
        Assert.Equal(ContentState.Ready, world.Host.Cache.Snapshot.Get(Keys.Disks.Status, disk.Disk)!.Record.State);
        Assert.Equal([0, 1], world.Guest.Definition.Disks.Select(other => other.Slot));
        Assert.Empty(world.Status.Pending);
    }

    [Fact]
    public async Task ADiskThatIsTakenOutIsFreeOnlyOnceTheGuestHasLetGoOfIt()
    {
        await using var world = await World.StartAsync();
        var (disk, added) = await world.AddDiskAsync();
        await world.Host.EndOfAsync(added);
        world.Guest.OnChange = (change, _) => change is VmChange.UnplugDisk ? throw new GuestDeclinedException("The guest has not given disk1 back") : Task.CompletedTask;

        var refused = await world.Host.EndOfAsync(await world.TakeOutAsync(1));
        Assert.Equal((OperationPhase.Failed, "vm.guestDeclined"), (refused.Phase, refused.Failure?.Code));
        var status = await world.Host.StatusAsync(world.Id, known => known.Pending.Count == 1);
        Assert.Equal(SecondDisk, status.Pending[0].Path);
        Assert.Equal(status.Pending.Select(change => change.Path), status.PendingRestart);
        Assert.Equal(world.Id, world.DiskSpec(disk.Disk)!.Vm);
        Assert.Single(await world.Host.EventsAsync(world.Id), happened => happened.Kind == "vm.pending");

        // It is asked once, not again and again.
        Assert.Single(world.Guest.Changes.OfType<VmChange.UnplugDisk>());

        // The guest lets go after all.
        world.Guest.OnChange = null;
        world.Guest.MissingDevices = ["disk1"];
        world.Guest.GiveBack("disk1");
        await world.Host.StatusAsync(world.Id, known => known.Pending.Count == 0);
        await world.DiskAsync(disk.Disk, spec => spec!.Vm is null);
        Assert.Equal([0], world.Guest.Definition.Disks.Select(other => other.Slot));
    }

    [Fact]
    public async Task ADiskThatIsTakenOutToBeDeletedIsGoneWithItsFile()
    {
        await using var world = await World.StartAsync();
        var (disk, added) = await world.AddDiskAsync();
        await world.Host.EndOfAsync(added);
        string path = world.Guest.Definition.Disks[1].Path;
        var ended = await world.Host.EndOfAsync(await world.TakeOutAsync(1, spec => spec with { Deleting = "by this" }));
        Assert.Equal(OperationPhase.Succeeded, ended.Phase);
        Assert.Null(world.DiskSpec(disk.Disk));
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task WhatTheDaemonBeganBeforeItDiedIsFoundAndFinished()
    {
        await using var world = await World.StartAsync();
        var begun = new TaskCompletionSource();
        world.Guest.OnChange = async (change, deadline) =>
        {
            if (change is not VmChange.PlugDisk || begun.Task.IsCompleted) return;
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new QmpClosedException("The daemon is gone.");
        };
        var (_, operation) = await world.AddDiskAsync();
        await begun.Task;
        await world.Host.StopDaemonAsync();

        // The record was written and the device never came: the next daemon takes it off the record, and plugs it.
        await world.Guest.Attach().ReviseAsync(new VmChange.PlugDisk(world.Guest.Changes.OfType<VmChange.PlugDisk>().Single().Disk).ApplyTo(world.Guest.Definition), default);
        world.Guest.MissingDevices = ["disk1"];
        world.Guest.OnChange = (change, _) =>
        {
            if (change is VmChange.UnplugDisk) world.Guest.MissingDevices = [];
            return Task.CompletedTask;
        };
        await world.Host.StartDaemonAsync();
        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(operation)).Phase);
        await world.Host.StatusAsync(world.Id, _ => world.Guest.Definition.Disks.Count == 2);
        Assert.Equal(["PlugDisk", "UnplugDisk", "PlugDisk"], world.Guest.Changes.Select(change => change.GetType().Name));
    }

    [Fact]
    public async Task WhatCannotBeWhileItRunsWaitsForARestartWithItsReason()
    {
        await using var world = await World.StartAsync();
        var ended = await world.Host.EndOfAsync(await world.Host.AskChangeAsync(world.Id, spec => spec with { MemoryMiB = 128 }, "$.memoryMiB"));
        Assert.Equal(OperationPhase.Succeeded, ended.Phase);
        Assert.Equal("$.memoryMiB", (string?)ended.Result?["pendingRestart"]?[0]?["path"]);
        var pending = Assert.Single((await world.Host.StatusAsync(world.Id, status => status.Pending.Count == 1)).Pending);
        Assert.Contains("256 MiB with which the VM was started", pending.Reason, StringComparison.Ordinal);
        Assert.Empty(world.Guest.Changes);
    }

    [Fact]
    public async Task MemoryIsPromisedAndItsLimitRaisedBeforeTheGuestHasIt()
    {
        await using var world = await World.StartAsync();
        long before = world.Guest.Definition.Limits.MemoryLimitBytes!.Value;
        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(await world.Host.AskChangeAsync(world.Id, spec => spec with { MemoryMiB = 512 }, "$.memoryMiB"))).Phase);
        Assert.Equal(["SetLimits", "SetMemory"], world.Guest.Changes.Select(change => change.GetType().Name));
        Assert.Equal(before + (256L << 20), world.Guest.Definition.Limits.MemoryLimitBytes);

        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(await world.Host.AskChangeAsync(world.Id, spec => spec with { MemoryMiB = 256 }, "$.memoryMiB"))).Phase);
        Assert.Equal(["SetMemory", "SetLimits"], world.Guest.Changes.Skip(2).Select(change => change.GetType().Name));
        Assert.Equal(before, world.Guest.Definition.Limits.MemoryLimitBytes);

        // What the host has promised to others is refused, and not given by halves.
        await world.Host.LaunchAsync(Small with { Name = "web2", MemoryMiB = 7000, MaxMemoryMiB = null });
        var refused = await world.Host.EndOfAsync(await world.Host.AskChangeAsync(world.Id, spec => spec with { MemoryMiB = 1024 }, "$.memoryMiB"));
        Assert.Equal((OperationPhase.Failed, "host.memoryFull"), (refused.Phase, refused.Failure?.Code));
        Assert.Equal(before, world.Guest.Definition.Limits.MemoryLimitBytes);
    }

    [Fact]
    public async Task ACancelledChangeStaysWantedAndAnOrderIsNotKeptWaiting()
    {
        await using var world = await World.StartAsync();
        var (disk, added) = await world.AddDiskAsync();
        await world.Host.EndOfAsync(added);
        var asked = new TaskCompletionSource();
        var givesBack = new TaskCompletionSource();
        world.Guest.OnChange = async (change, deadline) =>
        {
            if (change is not VmChange.UnplugDisk) return;
            asked.TrySetResult();
            await givesBack.Task.WaitAsync(deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!givesBack.Task.IsCompleted) throw new GuestDeclinedException("The guest has not given disk1 back");
        };
        string operation = await world.TakeOutAsync(1);
        await asked.Task;
        string pause = await world.Host.AskAsync(world.Id, "vm.pause", PowerWanted.Paused);
        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(pause)).Phase);
        await world.Host.CancelAsync(operation);
        Assert.Equal(OperationPhase.Cancelled, (await world.Host.EndOfAsync(operation)).Phase);
        // It may have been asked again already.
        givesBack.SetResult();
        await world.DiskAsync(disk.Disk, spec => spec!.Vm is null);
        Assert.Equal([0], world.Guest.Definition.Disks.Select(other => other.Slot));
    }

    [Fact]
    public async Task AStoppedVmGetsItsDiskMade()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        var (id, created) = await host.CreateVmAsync(Small);
        await host.EndOfAsync(created);
        VmDisk? disk = null;
        string operation = await host.AskChangeAsync(id, spec => spec with { Disks = [.. spec.Disks, disk!] }, SecondDisk, records: null, prepare: change => disk = host.NewDisk(id, 1, change));
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(operation)).Phase);
        Assert.Equal(ContentState.Ready, host.Cache.Snapshot.Get(Keys.Disks.Status, disk!.Disk)!.Record.State);
    }

    private sealed class World(VmTestHost host, FakeEngine engine, string id) : IAsyncDisposable
    {
        public VmTestHost Host { get; } = host;

        public string Id { get; } = id;

        public FakeGuest Guest => engine.Guest(Guid.Parse(Id));

        public VmStatus Status => Host.Cache.Snapshot.Get(Keys.Vms.Status, Id)!.Record;

        public static async Task<World> StartAsync()
        {
            var engine = new FakeEngine();
            var host = await VmTestHost.CreateAsync(engine);
            return new World(host, engine, await host.LaunchAsync(Small));
        }

        public async Task<(VmDisk Disk, string Operation)> AddDiskAsync()
        {
            VmDisk? disk = null;
            string operation = await Host.AskChangeAsync(Id, spec => spec with { Disks = [.. spec.Disks, disk!] }, SecondDisk, prepare: change => disk = Host.NewDisk(Id, 1, change));
            return (disk!, operation);
        }

        public Task<string> TakeOutAsync(int slot, Func<DiskSpec, DiskSpec>? how = null)
        {
            string disk = Host.Cache.Snapshot.Get(Keys.Vms.Spec, Id)!.Record.Disks.Single(known => known.Slot == slot).Disk;
            return Host.AskChangeAsync(Id, spec => spec with { Disks = [.. spec.Disks.Where(known => known.Slot != slot)] }, VmDifferences.PathOf("disks", slot), records: change =>
            {
                if (how is not null && Host.Cache.Snapshot.Get(Keys.Disks.Spec, disk) is { } record) change.Update(Keys.Disks.Spec, disk, how(record.Record), record.ModRevision);
            });
        }

        public DiskSpec? DiskSpec(string disk) => Host.Cache.Snapshot.Get(Keys.Disks.Spec, disk)?.Record;

        public Task DiskAsync(string disk, Func<DiskSpec?, bool> wanted) => Host.WaitForAsync([Keys.Disks.Spec], snapshot => wanted(snapshot.Get(Keys.Disks.Spec, disk)?.Record));

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
