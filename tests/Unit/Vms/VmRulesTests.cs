using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public class VmRulesTests
{
    private static VmDraft Create(VmCreate create, CacheSnapshot? snapshot = null) =>
        VmRules.Create(create, new VmLookups(snapshot ?? TestSnapshots.Installation().Build(), "default"), TestVms.Epoch);

    private static IReadOnlyList<(string Path, string Code)> Problems(VmCreate create, CacheSnapshot? snapshot = null) =>
        [.. Assert.Throws<InputException>(() => Create(create, snapshot)).Problems.Select(problem => (problem.Path, problem.Code))];

    [Fact]
    public void EveryProblemIsReportedAtOnce()
    {
        var found = Problems(new VmCreate
        {
            Name = "Web_1",
            Image = "no/image",
            Cpus = 0,
            MemoryMiB = 9000,
            Isos = ["nothing", "dos"],
            Nics = [new VmNicCreate { Network = "moon" }, new VmNicCreate { Mac = "nonsense" }],
            Limits = new VmLimits { CpuWeight = 0 },
            Autostart = new VmAutostart { DelaySeconds = -1 },
            Tags = ["ok", "ok", "Not OK"],
            CpuModel = "host",
            Kernel = new VmKernel { Kernel = "initrd" },
        });
        Assert.Equal(
            [
                ("$.name", "name.invalid"),
                ("$.cpus", "vm.cpus"),
                ("$.memoryMiB", "vm.memoryExceedsHost"),
                ("$.limits.cpuWeight", "vm.cpuWeight"),
                ("$.autostart.delaySeconds", "vm.autostartDelay"),
                ("$.tags[1]", "vm.tagTwice"),
                ("$.tags[2]", "vm.tag"),
                ("$.isos[0]", "iso.notFound"),
                ("$.isos[1]", "iso.wrongKind"),
                ("$.kernel.kernel", "iso.wrongKind"),
                ("$.image", "image.notFound"),
                ("$.nics[0].network", "network.notFound"),
                ("$.nics[1].mac", "nic.mac"),
                ("$.cpuModel", "vm.cpuModelUnpinned"),
            ],
            found);
    }

    [Theory]
    [InlineData(0, "vm.memory")]
    [InlineData(15, "vm.memory")]
    [InlineData(8192, "vm.memoryExceedsHost")]
    [InlineData(int.MaxValue, "vm.memoryExceedsHost")]
    public void ImpossibleMemory(int memoryMiB, string code) =>
        Assert.Equal([("$.memoryMiB", code)], Problems(new VmCreate { Name = "web1", MemoryMiB = memoryMiB }));

    [Fact]
    public void TheLargestVmStillLeavesQemuItsShare() =>
        Assert.Equal(8192 - 64 - 128 - 16, Create(new VmCreate { Name = "web1", MemoryMiB = 8192 - 64 - 128 - 16 }).Spec.MemoryMiB);

    [Fact]
    public void AnImageBiggerThanTheDisk() => Assert.Equal(
        [("$.disks[0].sizeBytes", "disk.smallerThanImage")],
        Problems(new VmCreate { Name = "web1", Image = "debian/12", Disks = [new VmDiskCreate { SizeBytes = 1L << 30 }] }));

    [Fact]
    public void ADiskWithoutSizeAndImage() => Assert.Equal(
        [("$.disks[0].sizeBytes", "disk.sizeMissing")],
        Problems(new VmCreate { Name = "web1", Disks = [new VmDiskCreate()] }));

    [Fact]
    public void AnImageThatIsStillMade() => Assert.Equal(
        [("$.image", "image.notReady")],
        Problems(new VmCreate { Name = "web1", Image = "new" }, TestSnapshots.Installation().Image("new", "img-2", 1L << 30, ContentState.Preparing).Build()));

    [Fact]
    public void ANameThatIsTaken() => Assert.Equal(
        [("$.name", "name.taken")],
        Problems(new VmCreate { Name = "web1" }, TestSnapshots.Installation().Name("default", "vm", "web1", "vm-1").Build()));

    [Fact]
    public void UefiCannotBootAFloppy() => Assert.Equal(
        [("$.firmware", "vm.floppyUefi")],
        Problems(new VmCreate { Name = "dos", Floppy = "dos", Firmware = VmFirmware.Uefi }));

    [Fact]
    public void TheSameMacOrAddressTwice() => Assert.Equal(
        [("$.nics[1].mac", "nic.macTaken"), ("$.nics[1].address", "nic.addressTaken")],
        Problems(new VmCreate
        {
            Name = "web1",
            Nics =
            [
                new VmNicCreate { Mac = "52:54:00:00:00:01", Address = "192.168.200.50" },
                new VmNicCreate { Mac = "52:54:00:00:00:01", Address = "192.168.200.50" },
            ],
        }));

    [Theory]
    [InlineData("192.168.200.1", "nic.address")]
    [InlineData("192.168.201.9", "nic.address")]
    [InlineData("192.168.200.77", "nic.addressTaken")]
    public void AnAddressThatCannotBeHad(string address, string code) => Assert.Equal(
        [("$.nics[0].address", code)],
        Problems(
            new VmCreate { Name = "web1", Nics = [new VmNicCreate { Address = address }] },
            TestSnapshots.Installation().Add(Keys.Addresses, "net-1/192.168.200.77", new Claim { Owner = "vm-9" }).Build()));

    [Fact]
    public void AUserCardBelongsToNoNetwork() => Assert.Equal(
        [("$.nics[0].network", "nic.userNetwork"), ("$.nics[0].address", "nic.userAddress")],
        Problems(new VmCreate { Name = "web1", Nics = [new VmNicCreate { Kind = NicKind.User, Network = "default", Address = "10.0.2.5" }] }));

    [Fact]
    public void CloudInitForAnImageWithoutIt() => Assert.Equal(
        [("$.cloudInit", "cloudInit.unsupported")],
        Problems(
            new VmCreate { Name = "web1", Image = "plain", CloudInit = new CloudInitCreate { User = "me" } },
            TestSnapshots.Installation().Image("plain", "img-2", 1L << 30, cloudInit: false).Build()));

    [Fact]
    public void WithoutAHostThatHasReportedNothingIsPinned()
    {
        var empty = CacheSnapshot.Empty(Keys.Cached);
        var wait = Assert.Throws<ProblemException>(() => Create(new VmCreate { Name = "web1", Nics = [] }, empty));
        Assert.Equal((ProblemKind.Unavailable, "host.notReady"), (wait.Kind, wait.Code));
        Assert.Equal([("$.name", "name.invalid")], Problems(new VmCreate { Name = "No Name", Nics = [] }, empty));
    }

    [Fact]
    public void ANameIsEnough()
    {
        var draft = Create(new VmCreate { Name = "web1" });
        var spec = draft.Spec;
        Assert.Equal((1, 512, VmFirmware.Bios), (spec.Cpus, spec.MemoryMiB, spec.Firmware));
        Assert.Equal(new VmMachine { Type = "pc-q35-7.2", CpuModel = "Westmere-v1", MaxCpus = 4 }, spec.Machine, MachineComparer);
        var nic = Assert.Single(spec.Nics);
        Assert.Equal(("net-1", "192.168.200.10", 0), (nic.Network, nic.Address, nic.Slot));
        Assert.Empty(draft.Disks);
        Assert.Null(spec.CloudInit);
        Assert.Equal(RestartPolicy.OnFailure, spec.Restart);
    }

    [Fact]
    public void AnImageMakesTheFirstDiskAndASeed()
    {
        var draft = Create(new VmCreate { Name = "web1", Image = "debian/12", Disks = [new VmDiskCreate { SizeBytes = 10L << 30 }, new VmDiskCreate { SizeBytes = 1L << 30, Format = DiskFormat.Raw }] });
        Assert.Equal(["web1-disk0", "web1-disk1"], draft.Disks.Select(disk => disk.Spec.Name));
        Assert.Equal(["img-1", null], draft.Disks.Select(disk => disk.Spec.Image));
        Assert.Equal([0, 1], draft.Spec.Disks.Select(disk => disk.Slot));
        Assert.All(draft.Disks, disk => Assert.Equal(draft.Id, disk.Spec.Vm));
        Assert.Equal(draft.Spec.Disks.Select(disk => disk.Disk), draft.Disks.Select(disk => disk.Id));
        Assert.Equal("web1", draft.Spec.CloudInit!.Hostname);
    }

    [Fact]
    public void AFloppyNeedsTheOlderMachine() =>
        Assert.Equal("pc-i440fx-7.2", Create(new VmCreate { Name = "dos", Floppy = "dos" }).Spec.Machine.Type);

    [Fact]
    public void AKernelIsNamedById()
    {
        var kernel = Create(new VmCreate { Name = "k", Kernel = new VmKernel { Kernel = "vmlinuz", Initrd = "initrd", CommandLine = "quiet" } }).Spec.Kernel!;
        Assert.Equal(("iso-3", "iso-4", "quiet"), (kernel.Kernel, kernel.Initrd, kernel.CommandLine));
    }

    [Fact]
    public void ADisksNameThatARenamedVmLeftBehindIsNotTakenTwice()
    {
        var snapshot = TestSnapshots.Installation().Name("default", "disk", "web1-disk0", "disk-9").Build();
        var disk = Assert.Single(Create(new VmCreate { Name = "web1", Disks = [new VmDiskCreate { SizeBytes = 1L << 30 }] }, snapshot).Disks);
        Assert.StartsWith("web1-disk0-", disk.Spec.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUpdateChecksAllAndKeepsTheRest()
    {
        var spec = Create(new VmCreate { Name = "web1" }).Spec;
        var lookups = new VmLookups(TestSnapshots.Installation().Name("default", "vm", "web1", "x").Name("default", "vm", "web2", "y").Build(), "default");
        var bad = Assert.Throws<InputException>(() => VmRules.Update(spec, new VmUpdate { Name = "web2", Cpus = 0, MemoryMiB = 1 }, lookups));
        Assert.Equal(["name.taken", "vm.cpus", "vm.memory"], bad.Problems.Select(problem => problem.Code));
        var good = VmRules.Update(spec, VmRules.Changeable(spec) with { Name = "web3", Cpus = 8 }, lookups);
        Assert.Equal(("web3", 8, 8, 512), (good.Name, good.Cpus, good.Machine.MaxCpus, good.MemoryMiB));
        Assert.Equal(spec.Nics, good.Nics);
    }

    private static readonly IEqualityComparer<VmMachine> MachineComparer = EqualityComparer<VmMachine>.Create(
        (one, other) => (one!.Type, one.CpuModel, one.MaxCpus, one.MemorySlots, one.LayoutVersion) == (other!.Type, other.CpuModel, other.MaxCpus, other.MemorySlots, other.LayoutVersion));
}
