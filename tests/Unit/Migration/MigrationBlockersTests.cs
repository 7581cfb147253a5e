using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Migration;
using Lamina.Tests.Unit.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Each thing that may stand in the way of a migration is named before anything begins, with its own code.</summary>
public class MigrationBlockersTests
{
    private const string Vm = "vm-web1";
    private const string Disk = "disk-1";
    private const string First = "host-1";
    private const string Second = "host-2";
    private const string Local = "pool-1";
    private const string Other = "pool-2";

    private VmSpec _spec = TestVms.Spec() with { Disks = [new VmDisk { Slot = 0, Disk = Disk }], HomePool = Local };
    private VmStatus _status = TestVms.Status(VmState.Running) with { Accelerator = new Accelerator { Kind = AcceleratorKind.Tcg, Reason = "test" } };
    private DiskSpec _disk = new() { Name = "web1-0", Pool = Local, SizeBytes = 1 << 30, Vm = Vm };
    private HostStatus _second = TestSnapshots.Installation().Build().Get(Keys.Hosts.Status, First)!.Record;
    private PoolSpec _pool = new() { Name = "default", Path = "/nowhere" };
    private readonly List<Action<TestSnapshots>> _more = [];

    [Fact]
    public void WithNothingInTheWayItIsFree() => Blocked([]);

    [Fact]
    public void AMachineOrCpuThatTheHostLacks()
    {
        _second = _second with { MachineTypes = ["pc-q35-8.0"], CpuModels = ["qemu64-v1"] };
        Blocked(["placement.machineType", "placement.cpuModel"]);
    }

    [Fact]
    public void AHostWithoutRoom()
    {
        _spec = _spec with { MemoryMiB = 4096 };
        _more.Add(world => world
            .Add(Keys.Vms.Spec, "vm-big", TestVms.Spec("big") with { MemoryMiB = 6000 })
            .Add(Keys.Vms.Assignment, "vm-big", new VmAssignment { Host = Second, Epoch = 1 })
            .Add(Keys.Vms.Status, "vm-big", TestVms.Status(VmState.Running)));
        Blocked(["host.memoryFull"]);
        _status = TestVms.Status(VmState.Stopped);
        Blocked([]);
    }

    [Fact]
    public void AnotherAcceleratorWhileItRuns()
    {
        _second = _second with { Accelerator = new Accelerator { Kind = AcceleratorKind.Kvm, Reason = "test" } };
        Blocked(["migration.accelerator"]);
        _status = TestVms.Status(VmState.Stopped);
        Blocked([]);
    }

    [Theory]
    [InlineData(VmState.Starting, "migration.unsettled")]
    [InlineData(VmState.Stopping, "migration.unsettled")]
    [InlineData(VmState.Unresponsive, "migration.unsettled")]
    [InlineData(VmState.Paused, "vm.paused")]
    public void AStateInWhichItCannotGo(VmState state, string code)
    {
        _status = _status with { State = state };
        Blocked([code]);
    }

    /// <summary>Only what somebody has paused, and has not halted by itself.</summary>
    [Theory]
    [InlineData(PauseCause.PoolFull)]
    [InlineData(PauseCause.IoError)]
    [InlineData(PauseCause.GuestPanic)]
    [InlineData(PauseCause.Watchdog)]
    public void AGuestThatIsHaltedByWhatHasHappened(PauseCause cause)
    {
        _status = _status with { State = VmState.Paused, PauseCause = cause };
        Blocked(["vm.paused"]);
        _status = _status with { PauseCause = PauseCause.Request };
        Blocked([]);
    }

    [Fact]
    public void ATpmIsNone()
    {
        _spec = _spec with { Tpm = new VmTpm { Secret = "s" } };
        Blocked([]);
        _status = _status with { State = VmState.Paused, PauseCause = PauseCause.Request };
        Blocked([]);
    }

    [Theory]
    [InlineData(VmState.Running)]
    [InlineData(VmState.Paused)]
    public void AGuestThatHasAProcessWhenOneIsMeantThatHasNone(VmState state)
    {
        _status = _status with { State = state, PauseCause = PauseCause.Request };
        Blocked(["vm.running"], offline: true);
        _status = TestVms.Status(VmState.Stopped);
        Blocked([], offline: true);
    }

    [Fact]
    public void AVmThatGoesAwayOrIsOnItsWayAlready()
    {
        _spec = _spec with { Deleting = "op" };
        _more.Add(world => world.Add(Keys.Vms.Handover, Vm, new VmHandover { Nonce = "n", Operation = "op", From = First, To = Second, Epoch = 1 }));
        Blocked(["vm.deleting", "migration.underWay"]);
    }

    [Fact]
    public void AnotherJobOrOperation()
    {
        _status = _status with { Job = new VmJobPermit { Kind = VmJobKind.Snapshot, Operation = "job" } };
        _more.Add(world => world.Add(Keys.Operations.Request, "op", new OperationRequest
        {
            Kind = "vm.stop", Target = new ObjectReference { Kind = "vm", Id = Vm, Name = "web1" }, RequestedBy = "anna", CreatedAt = DateTimeOffset.UnixEpoch,
        }));
        Blocked(["vm.busy", "vm.busy"]);
    }

    [Fact]
    public void TheHostOnWhichItIs() => Blocked(["migration.sameHost"], to: First);

    [Fact]
    public void AHostThatNobodyKnows() => Blocked(["migration.hostSilent"], to: "host-3");

    [Fact]
    public void AMediumInADriveThatTheHostDoesNotReach()
    {
        Separate();
        _spec = _spec with { Disks = [], HomePool = Other, Cdroms = [new VmCdrom { Slot = 0, Iso = "iso-1" }] };
        Blocked(["migration.mediumMissing"]);
    }

    [Fact]
    public void ADiskThatTheHostDoesNotReach()
    {
        Separate();
        Blocked(["migration.poolMissing"]);
        Blocked([], withStorage: true);
        _status = TestVms.Status(VmState.Stopped);
        Blocked(["migration.poolMissing"]);
        Blocked([], withStorage: true);
    }

    [Fact]
    public void NoPoolThatCouldTakeTheDisk()
    {
        Separate(hasPool: false);
        Blocked(["migration.noPool"], withStorage: true);
    }

    [Fact]
    public void APoolThatIsTooFull()
    {
        Separate();
        _more.Add(world => world
            .Add(Keys.Disks.Status, Disk, new DiskStatus { State = ContentState.Ready, AllocatedBytes = 1 << 30 })
            .Add(Keys.Pools.Status, Other, new PoolStatus { Available = true, FreeBytes = 1 << 20 }));
        Blocked(["migration.poolFull"], withStorage: true);
    }

    /// <summary>While it runs only what the disk holds now can go; at rest all layers do.</summary>
    [Fact]
    public void SnapshotsOfADiskThatGoesAlongWhileItRuns()
    {
        Separate();
        _more.Add(world => world.Add(Keys.Snapshots.Spec, "snap", new SnapshotSpec { Name = "before", Vm = Vm, Hardware = _spec }));
        Blocked(["migration.hasSnapshots"], withStorage: true);
        _status = TestVms.Status(VmState.Stopped);
        Blocked([], withStorage: true);
    }

    [Fact]
    public void LinkedClonesOnItsDisk()
    {
        Separate();
        _more.Add(world => world.Add(Keys.Disks.Spec, "clone", new DiskSpec { Name = "clone-0", Pool = Local, SizeBytes = 1, Base = new DiskBase { Disk = Disk, Layer = DiskLayer.First } }));
        Blocked(["migration.hasClones"], withStorage: true);
        _status = TestVms.Status(VmState.Stopped);
        Blocked(["migration.hasClones"], withStorage: true);
    }

    [Fact]
    public void AnotherDiskBelowItsOwnAtRest()
    {
        Separate();
        _status = TestVms.Status(VmState.Stopped);
        _disk = _disk with { Base = new DiskBase { Disk = "below", Layer = DiskLayer.First } };
        Blocked(["migration.linkedClone"], withStorage: true);
    }

    /// <summary>Firmware variables and TPM go along at rest and while it runs, unless there are files that QEMU does not bring.</summary>
    [Fact]
    public void ItsOwnFilesThatTheHostDoesNotReach()
    {
        Separate();
        _spec = _spec with { Firmware = VmFirmware.Uefi, Tpm = new VmTpm { Secret = "s" } };
        Blocked(["migration.poolMissing", "migration.homeMissing"]);
        Blocked([], withStorage: true);
        _status = _status with { State = VmState.Paused, PauseCause = PauseCause.Request };
        Blocked(["migration.homeMissing"], withStorage: true);
        _status = _status with { State = VmState.Running, PauseCause = null };
        _more.Add(world => world.Add(Keys.Snapshots.Spec, "snap", new SnapshotSpec { Name = "before", Vm = Vm, Hardware = _spec with { Disks = [] } }));
        Blocked(["migration.homeMissing"], withStorage: true);
        _status = TestVms.Status(VmState.Stopped);
        Blocked([], withStorage: true);
        Blocked(["migration.poolMissing", "migration.homeMissing"]);
    }

    [Fact]
    public void ANetworkForMigrationsInWhichTheHostHasNoAddress()
    {
        _more.Add(world => world.Add(Keys.MigrationSettings, "", new MigrationSettings { Network = "10.9.0.0/24" }));
        _second = _second with { Links = [new HostLink { Address = "10.0.0.2" }] };
        Blocked(["migration.networkMissing"]);
        _second = _second with { Links = [new HostLink { Address = "10.0.0.2" }, new HostLink { Address = "10.9.0.2" }] };
        Blocked([]);
    }

    [Fact]
    public void AHostToWhichNoGuestCanComeInPostCopy()
    {
        Blocked(["migration.postCopyUnknown"], postCopy: true);
        _second = _second with { Links = [new HostLink { Address = "10.0.0.2" }], PostCopyProblem = new Failure { Code = "host.postCopy", Message = "The kernel's setting is 0." } };
        Blocked(["migration.postCopy"], postCopy: true);
        Blocked([]);
        _status = TestVms.Status(VmState.Stopped);
        Blocked([], postCopy: true);
    }

    /// <summary>Each host has a pool of its own.</summary>
    private void Separate(bool hasPool = true)
    {
        _pool = _pool with { Host = First };
        if (hasPool) _more.Add(world => world.Add(Keys.Pools.Spec, Other, new PoolSpec { Name = "default-second", Path = "/elsewhere", Host = Second }));
    }

    private void Blocked(string[] codes, bool withStorage = false, bool postCopy = false, bool offline = false, string to = Second)
    {
        var world = TestSnapshots.Installation()
            .Add(Keys.Hosts.Spec, Second, new HostSpec { Name = Second })
            .Add(Keys.Hosts.Status, Second, _second)
            .Add(Keys.Pools.Spec, Local, _pool)
            .Add(Keys.Disks.Spec, Disk, _disk)
            .Add(Keys.Vms.Spec, Vm, _spec)
            .Add(Keys.Vms.Assignment, Vm, new VmAssignment { Host = First, Epoch = 1 })
            .Add(Keys.Vms.Status, Vm, _status);
        foreach (var add in _more) add(world);
        var snapshot = world.Build();
        var forecast = Migrations.Forecast(snapshot, snapshot.Get(Keys.Vms.Spec, Vm)!, new MigrationRequest { To = to, WithStorage = withStorage, AllowPostCopy = postCopy, Offline = offline });
        Assert.Equal(codes.Order(), forecast.Blockers.Select(blocker => blocker.Code).Order());
        Assert.All(forecast.Blockers, blocker => Assert.False(string.IsNullOrEmpty(blocker.Remedy), blocker.Code));
    }
}
