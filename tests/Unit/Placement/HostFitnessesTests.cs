using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Placement;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Placement;

public sealed class HostFitnessesTests
{
    private const string Host = "host-1";

    private static readonly DateTimeOffset Then = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void EveryReasonIsToldAtOnceWithItsRemedy()
    {
        var fitness = Of(snapshots => snapshots
            .Add(Keys.Hosts.Live, "host-2", new HostLive { Incarnation = "i", Since = Then })
            .Add(Keys.Hosts.Silence, Host, new HostSilence { Since = Then })
            .Add(Keys.Hosts.Spec, Host, new HostSpec { Name = "one", Maintenance = new HostMaintenance { Since = Then, Reason = "new disks", Operation = "op" } })
            .Add(Keys.Hosts.Status, Host, Status() with { Accelerator = null, Failure = new Failure { Code = "host.noEngine", Message = "There is no QEMU." } }));
        Assert.False(fitness.TakesVms);
        Assert.Equal(["host.maintenance", "host.silent", "host.noEngine"], fitness.Reasons.Select(reason => reason.Code));
        Assert.Equal(
            ["Host 'one' takes no VMs: it is in maintenance (new disks).", "Host 'one' takes no VMs: its daemon is silent since 2026-11-23 12:00:00Z.", "Host 'one' takes no VMs: QEMU cannot be used there: There is no QEMU."],
            fitness.Reasons.Select(reason => reason.Message));
        Assert.EndsWith("lamina host maintenance exit one", fitness.Reasons[0].Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void AWitnessAndARemovedHostTakeNone()
    {
        Assert.Equal(["host.witness"], Codes(snapshots => snapshots.Add(Keys.Hosts.Spec, Host, new HostSpec { Name = "one", Witness = true })));
        Assert.Equal(["host.removed"], Codes(snapshots => snapshots.Add(Keys.RemovedHosts, Host, new RemovedHost { Name = "one", RemovedAt = Then })));
    }

    [Fact]
    public void AHostThatHasNotToldWhatItHasTakesNone() => Assert.Equal(["host.notTold"], Codes(snapshots => snapshots.Add(Keys.Hosts.Status, Host, Status() with { Accelerator = null })));

    [Fact]
    public void AClockThatIsFarOffKeepsVmsAwayAndOneThatIsALittleOffIsTold()
    {
        Assert.Equal(["host.clockOff"], Codes(snapshots => snapshots.Add(Keys.Hosts.Clock, Host, new HostClockSkew { AheadMs = -312_000, Since = Then })));
        Assert.Contains("its clock is 312 s behind", HostFitnesses.ClosedBy(Snapshot(snapshots => snapshots.Add(Keys.Hosts.Clock, Host, new HostClockSkew { AheadMs = -312_000, Since = Then })), Host));
        var little = Of(snapshots => snapshots.Add(Keys.Hosts.Clock, Host, new HostClockSkew { AheadMs = 3200, Since = Then }));
        Assert.True(little.TakesVms);
        Assert.Contains(little.Notes, note => note.StartsWith("Its clock is 3.2 s ahead of those of the other hosts. Set the clocks", StringComparison.Ordinal));
    }

    [Fact]
    public void AFittingHostTellsWhatIsPromisedAndWhatIsToBeKnown()
    {
        var fitness = Of(snapshots => snapshots.Add(Keys.Hosts.Spec, "host-2", new HostSpec { Name = "two" }).Add(Keys.Hosts.Status, "host-2", Status() with { DaemonVersion = "0.2.0" }));
        Assert.True(fitness.TakesVms);
        Assert.Equal((8192, 0), (fitness.CapacityMiB, fitness.PromisedMiB));
        Assert.Contains("It runs version 0.1.0, others 0.2.0: lamina cluster upgrade", fitness.Notes);
        Assert.Contains(fitness.Notes, note => note.StartsWith("Guests run slowly, without KVM", StringComparison.Ordinal));
    }

    [Fact]
    public void PlacementTurnsAwayForTheSameReason()
    {
        var snapshot = Snapshot(snapshots => snapshots.Add(Keys.Hosts.Spec, Host, new HostSpec { Name = "one", Maintenance = new HostMaintenance { Since = Then, Operation = "op" } }));
        Assert.Equal("it is in maintenance", PlacementHosts.Read(snapshot, Host)!.Closed);
        Assert.Equal(HostFitnesses.ClosedBy(snapshot, Host), PlacementHosts.Read(snapshot, Host)!.Closed);
    }

    private static IEnumerable<string> Codes(Func<TestSnapshots, TestSnapshots> change) => Of(change).Reasons.Select(reason => reason.Code);

    private static HostFitness Of(Func<TestSnapshots, TestSnapshots> change) => HostFitnesses.In(Snapshot(change))(Host);

    private static CacheSnapshot Snapshot(Func<TestSnapshots, TestSnapshots> change) => change(TestSnapshots.Installation().Add(Keys.Hosts.Status, Host, Status())).Build();

    private static HostStatus Status() => new()
    {
        Incarnation = "i",
        BootId = "b",
        DaemonVersion = "0.1.0",
        Cores = 4,
        MemoryMiB = 8192,
        Accelerator = new Accelerator { Kind = AcceleratorKind.Tcg, Reason = "test" },
        DefaultCpuModel = "Westmere-v1",
        DefaultMachineType = "pc-q35-7.2",
    };
}
