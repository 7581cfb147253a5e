using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Copies;
using Lamina.Server.Disks;
using Lamina.Server.Pools;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Disks;

public class DiskUseTests
{
    [Fact]
    public void A_disk_that_snapshots_hold_is_not_deleted_and_they_are_named()
    {
        var snapshot = World().Build();
        var refusal = Delete(snapshot, "held");
        Assert.Equal("disk.hasSnapshots", refusal?.Code);
        Assert.Contains("3 snapshots", refusal!.Message, StringComparison.Ordinal);
        Assert.EndsWith(": before, now, other.", refusal.Message, StringComparison.Ordinal);
        Assert.Null(Delete(snapshot, "free"));
    }

    [Fact]
    public void One_that_was_put_into_a_vm_after_its_snapshot_is_free_of_it()
    {
        var snapshot = World().Build();
        Assert.Empty(DiskUse.SnapshotsOf(snapshot, "late"));
        Assert.Equal(["other"], DiskUse.SnapshotsOf(snapshot, "held", exceptVm: "vm-1"));
    }

    [Theory]
    [InlineData("free", "elsewhere", null)]
    [InlineData("held", "elsewhere", null)]
    [InlineData("held", "pool-1", "disk.samePool")]
    [InlineData("heldClone", "elsewhere", "disk.hasSnapshots")]
    [InlineData("freeClone", "elsewhere", null)]
    public void A_disk_moves_with_the_layers_of_its_snapshots_or_not_at_all(string disk, string pool, string? refusal)
    {
        var snapshot = World().Build();
        Assert.Equal(refusal, MoveRules.Refuse(snapshot, snapshot.Get(Keys.Disks.Spec, disk)!, pool)?.Code);
    }

    /// <summary>While the guest runs, the layers become one.</summary>
    [Theory]
    [InlineData("plain", null)]
    [InlineData("read", "disk.readOnly")]
    [InlineData("kept", "disk.hasSnapshots")]
    [InlineData("nobodys", null)]
    public void A_disk_moves_under_a_running_guest_unless_snapshots_hold_it_or_it_is_only_read(string disk, string? refusal)
    {
        var world = TestSnapshots.Installation();
        var vm = new VmSpec
        {
            Name = "web1", Cpus = 1, MemoryMiB = 64, Machine = new() { Type = "pc-q35-7.2", CpuModel = "qemu64", MaxCpus = 1 },
            Disks = [new VmDisk { Slot = 0, Disk = "plain" }, new VmDisk { Slot = 1, Disk = "read", ReadOnly = true }, new VmDisk { Slot = 2, Disk = "kept" }],
        };
        world.Add(Keys.Vms.Spec, "vm-9", vm);
        foreach (string name in (string[])["plain", "read", "kept", "nobodys"])
            world.Add(Keys.Disks.Spec, name, new DiskSpec { Name = name, Pool = "pool-1", SizeBytes = 1 << 20, Vm = name == "nobodys" ? null : "vm-9" });
        Snapshot(world, "before", "vm-9", ["kept"], ["kept"]);
        var snapshot = world.Build();
        var found = MoveRules.RefuseRunning(snapshot, snapshot.Get(Keys.Disks.Spec, disk)!);
        Assert.Equal(refusal, found?.Code);
        if (found is not null) Assert.Contains("lamina vm shutdown web1", found.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_on_its_way_into_a_pool_keeps_the_pool_and_is_no_orphan()
    {
        var world = World();
        var request = new OperationRequest
        {
            Kind = DiskMoves.Kind, Target = new ObjectReference { Kind = "disk", Id = "free", Name = "free" }, RequestedBy = "test", CreatedAt = DateTimeOffset.UnixEpoch,
            Parameters = new System.Text.Json.Nodes.JsonObject { [DiskMoves.FromParameter] = "pool-1", [DiskMoves.ToParameter] = "pool-2" },
        };
        world.Add(Keys.Operations.Request, "op-1", request);
        var moving = world.Build();
        Assert.Equal("op-1", DiskMoves.Of(moving, "free"));
        Assert.Equal(["disk free, which is moving there"], PoolContent.Of(moving, "pool-2"));
        Assert.True(PoolOrphans.HasRecord(moving, "pool-2", "disks", "free"));
        Assert.False(PoolOrphans.HasRecord(moving, "pool-2", "disks", "held"));
        world.Add(Keys.Operations.State, "op-1", new OperationState { Phase = OperationPhase.Failed });
        var over = world.Build();
        Assert.Null(DiskMoves.Of(over, "free"));
        Assert.Empty(PoolContent.Of(over, "pool-2"));
        Assert.False(PoolOrphans.HasRecord(over, "pool-2", "disks", "free"));
    }

    private static ProblemException? Delete(CacheSnapshot snapshot, string disk) => DiskUse.RefuseDelete(snapshot, snapshot.Get(Keys.Disks.Spec, disk)!);

    /// <summary>"before" and "other" are whole, "now" is being taken; "late" is in the VM by now, which the record of "before" says nothing of.</summary>
    private static TestSnapshots World()
    {
        var world = TestSnapshots.Installation();
        foreach (string disk in (string[])["held", "free", "late"]) world.Add(Keys.Disks.Spec, disk, new DiskSpec { Name = disk, Pool = "pool-1", SizeBytes = 1 << 20 });
        foreach (string disk in (string[])["heldClone", "freeClone"]) world.Add(Keys.Disks.Spec, disk, new DiskSpec { Name = disk, Pool = "pool-1", SizeBytes = 1 << 20, Image = "img-1" });
        Snapshot(world, "before", "vm-1", ["held", "late"], ["held"]);
        Snapshot(world, "now", "vm-1", ["held"], null);
        Snapshot(world, "other", "vm-2", ["held", "heldClone"], ["held", "heldClone"]);
        return world;
    }

    private static void Snapshot(TestSnapshots world, string name, string vm, string[] asked, string[]? held)
    {
        var hardware = new VmSpec
        {
            Name = vm, Cpus = 1, MemoryMiB = 64, Machine = new() { Type = "pc-q35-7.2", CpuModel = "qemu64", MaxCpus = 1 },
            Disks = [.. asked.Select((disk, slot) => new VmDisk { Slot = slot, Disk = disk })],
        };
        world.Add(Keys.Snapshots.Spec, name, new SnapshotSpec { Name = name, Vm = vm, Hardware = hardware });
        if (held is null) return;
        world.Add(Keys.Snapshots.Status, name, new SnapshotStatus
        {
            State = ContentState.Ready, Folder = name, Disks = [.. held.Select((disk, slot) => new SnapshotDisk { Slot = slot, Disk = disk, Layer = "disk" })],
        });
    }
}
