using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Engine;
using Lamina.Server.Disks;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public class VmDifferencesTests
{
    private const string One = "01a206f7-80b5-72db-8566-de7d985f5031";
    private const string Two = "01a206f7-80b5-72db-8566-de7d985f5032";

    private static readonly VmSpec Spec = TestVms.Spec() with
    {
        Machine = TestVms.Spec().Machine with { MaxMemoryMiB = 2048 },
        Disks = [new VmDisk { Slot = 0, Disk = One }],
        Nics = [new VmNic { Slot = 0, Kind = NicKind.User, Mac = "52:54:00:00:00:01" }],
    };

    [Fact]
    public void NothingDiffersOfWhatHasJustBeenStarted() => Assert.Empty(Of(Spec, Running(Spec)));

    [Fact]
    public void WhatIsForPeopleAloneDiffersFromNothing() =>
        Assert.Empty(Of(Spec with { Name = "web2", Notes = "n", Tags = ["t"], Restart = RestartPolicy.Always, Protected = true }, Running(Spec)));

    [Fact]
    public void SizesAreChangedAtOnceWhereTheMachineHasRoom()
    {
        Expect(Spec with { Cpus = 3 }, ["$.cpus SetCpus"], Running(Spec) with { Accelerator = Lamina.Engine.Accelerator.Kvm });
        Expect(Spec with { MemoryMiB = 1024 }, "$.memoryMiB SetMemory");
        Expect(Spec with { Limits = new VmLimits { CpuPercent = 50 } }, "$.limits SetLimits");
    }

    [Fact]
    public void WhatTheMachineHasNoRoomForWaitsForARestart()
    {
        Expect(Spec with { Cpus = 5 }, "$.cpus restart");
        Expect(Spec with { Cpus = 3 }, "$.cpus restart");
        Expect(Spec with { MemoryMiB = 4096 }, "$.memoryMiB restart");
        Expect(Spec with { MemoryMiB = 256 }, "$.memoryMiB restart");
        Expect(Spec with { MemoryMiB = 1025 }, "$.memoryMiB restart");
        Expect(Spec with { BootMenu = true, Clock = VmClock.LocalTime }, "$.bootMenu restart", "$.clock restart");
        var two = Spec with { Cpus = 2 };
        Assert.Equal(["$.cpus restart"], Words(Of(Spec, Running(two) with { Limits = Running(two).Limits with { CpuQuotaPercent = 200 } })));
        Assert.Equal(["$.cpus SetCpus"], Words(Of(Spec, Running(two) with { Accelerator = Lamina.Engine.Accelerator.Kvm })));
        var fixedSize = Spec with { Machine = Spec.Machine with { MaxMemoryMiB = null } };
        Assert.Equal(["$.memoryMiB restart"], Words(Of(fixedSize with { MemoryMiB = 600 }, Running(fixedSize))));
    }

    [Fact]
    public void DisksComeGoGrowAndAreLimited()
    {
        var second = new VmDisk { Slot = 1, Disk = Two };
        Expect(Spec with { Disks = [.. Spec.Disks, second] }, "$.disks[?@.slot==1] PlugDisk");
        Expect(Spec with { Disks = [] }, "$.disks[?@.slot==0] UnplugDisk");
        Expect(Spec with { Disks = [second with { Slot = 0 }] }, "$.disks[?@.slot==0] UnplugDisk");
        Expect(Spec with { Disks = [Spec.Disks[0] with { Limits = new DiskLimits { Iops = 100 } }] }, "$.disks[?@.slot==0].limits ThrottleDisk");
        Expect(Spec with { Disks = [Spec.Disks[0] with { ReadOnly = true }] }, "$.disks[?@.slot==0].readOnly restart");
        Assert.Equal(["$.disks[?@.slot==0].sizeBytes ResizeDisk"], Words(Of(Spec, Running(Spec), size: 2 << 20)));
        // A SCSI controller cannot be plugged, a SATA disk neither.
        Expect(Spec with { Disks = [.. Spec.Disks, second with { Bus = Lamina.Api.DiskBus.Scsi }] }, "$.disks[?@.slot==1] restart");
        Expect(Spec with { Disks = [.. Spec.Disks, second with { Bus = Lamina.Api.DiskBus.Sata }] }, "$.disks[?@.slot==1] restart");
        var withScsi = Running(Spec) with { ScsiController = true };
        Assert.Equal(["$.disks[?@.slot==1] PlugDisk"], Words(Of(Spec with { Disks = [.. Spec.Disks, second with { Bus = Lamina.Api.DiskBus.Scsi }] }, withScsi)));
    }

    [Fact]
    public void DrivesAndCardsComeGoAndChange()
    {
        var drive = new VmCdrom { Slot = 0, Iso = "iso-1" };
        Expect(Spec with { Cdroms = [drive with { BootIndex = 50 }] }, "$.cdroms[?@.slot==0] restart");
        var started = Running(Spec with { Cdroms = [drive] });
        Assert.Empty(Of(Spec with { Cdroms = [drive] }, started));
        Assert.Equal(["$.cdroms[?@.slot==0].iso ChangeMedium"], Words(Of(Spec with { Cdroms = [drive with { Iso = null }] }, started)));
        Assert.Equal(["$.cdroms[?@.slot==0] UnplugCdrom"], Words(Of(Spec, started)));
        // A medium whose place is not known now is left as it is, and cloud-init's drive is nobody's.
        Assert.Empty(Of(Spec with { Cdroms = [drive with { Iso = "iso-2" }] }, started));
        Assert.Empty(Of(Spec, Running(Spec) with { Cdroms = [new CdromDefinition { Slot = VmMediaRules.SeedSlot, Path = "/seed" }] }));

        Expect(Spec with { Nics = [] }, "$.nics[?@.slot==0] UnplugNic");
        Expect(Spec with { Nics = [Spec.Nics[0] with { Link = NicLink.Down }] }, "$.nics[?@.slot==0] SetNic");
        Expect(Spec with { Nics = [Spec.Nics[0] with { Mac = "52:54:00:00:00:02" }] }, "$.nics[?@.slot==0] UnplugNic");
        Expect(Spec with { Nics = [.. Spec.Nics, new VmNic { Slot = 4, Kind = NicKind.User, Mac = "52:54:00:00:00:02" }] }, "$.nics[?@.slot==4] PlugNic");
    }

    [Fact]
    public void ADeviceThatIsNotThereGoesOffTheRecordFirst() =>
        Assert.Equal(["$.disks[?@.slot==0] Forget"], Words(Of(Spec, Running(Spec), lost: ["disk0", "nic3"])));

    [Fact]
    public void TheBootOrderIsReadAtTheNextStartAndAStartFromElsewhereIsNoChange()
    {
        var spec = Spec with { Disks = [Spec.Disks[0] with { BootIndex = 10 }], Cdroms = [new VmCdrom { Slot = 0, BootIndex = 50 }] };
        var problems = new InputProblems();
        Expect(VmBootOrder.Apply(spec, ["cd0", "disk0"], problems), ["$.boot restart"], Running(spec));
        Assert.Empty(problems.Found);
        Assert.Equal(["disk0", "cd0"], VmBootOrder.Of(spec));
        Assert.Equal(["cd0"], VmBootOrder.Of(VmBootOrder.Apply(spec, ["cd0"], problems)));
        Assert.Empty(Of(spec, Running(VmFirmwareRules.BootOnce(spec, BootDevice.Cdrom))));
        VmBootOrder.Apply(spec, ["cd0", "nic9", "cd0"], problems);
        Assert.Equal([("$.boot[1]", "vm.bootDevice"), ("$.boot[2]", "vm.bootTwice")], problems.Found.Select(problem => (problem.Path, problem.Code)));
    }

    private static void Expect(VmSpec wanted, params string[] words) => Expect(wanted, words, Running(Spec));

    private static void Expect(VmSpec wanted, string[] words, VmDefinition running) => Assert.Equal(words, Words(Of(wanted, running)));

    private static IReadOnlyList<VmDifference> Of(VmSpec spec, VmDefinition running, long size = 1 << 20, string[]? lost = null) => VmDifferences.Of(spec, running, new VmDifferenceFacts
    {
        Disks = new Dictionary<string, DiskFacts> { [One] = new(size, 1 << 20), [Two] = new(1 << 20, null) },
        Media = new Dictionary<string, string> { ["iso-1"] = "/isos/1" },
        Lost = (lost ?? []).ToHashSet(),
    });

    private static IEnumerable<string> Words(IReadOnlyList<VmDifference> differences) =>
        differences.Select(difference => $"{difference.Path} {difference.Change?.Kind.ToString() ?? (difference.Reason!.EndsWith('.') ? "restart" : "no sentence")}");

    private static VmDefinition Running(VmSpec spec) => VmDefinitions.Make(spec, new VmMaterial
    {
        Disks = new[] { One, Two }.ToDictionary(id => id, id => new DiskPaths($"/pool/{id}", Lamina.Api.DiskFormat.Qcow2)),
        DiskSizes = new Dictionary<string, long> { [One] = 1 << 20, [Two] = 1 << 20 },
        Media = new Dictionary<string, string> { ["iso-1"] = "/isos/1" },
        Taps = new Dictionary<int, VmTap>(),
    }, new VmRunIdentity { VmId = One, Instance = "test", Epoch = 1, Run = 1, UserId = 200_005, RuntimeFolder = "/run/x" }, FakeEngine.DefaultCapabilities);
}
