using Lamina.Engine;
using Lamina.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine.Qemu;

public class DefinitionRulesTests
{
    public static TheoryData<string> ScenarioNames => [.. Scenarios.All.Keys];

    public static TheoryData<string, Func<VmDefinition, VmDefinition>> Mistakes => new()
    {
        { "machineType: q35 is no versioned PC type", vm => vm with { MachineType = "q35" } },
        { "machineType: pc-q35-7.2,x=1 is no versioned PC type", vm => vm with { MachineType = "pc-q35-7.2,x=1" } },
        { "cpuModel: must be a named model", vm => vm with { CpuModel = "host" } },
        { "cpuModel: must be a named model", vm => vm with { CpuModel = "max" } },
        { "cpuModel: holds a character that no model has", vm => vm with { CpuModel = "EPYC,+svm" } },
        { "cpuFlags: aes is not +name or -name", vm => vm with { CpuFlags = ["aes"] } },
        { "cpuFlags: +a,b is not +name or -name", vm => vm with { CpuFlags = ["+a,b"] } },
        { "cpus: must be 1 or more", vm => vm with { Cpus = 0 } },
        { "maxCpus: is below cpus, 2", vm => vm with { Cpus = 2 } },
        { "memoryMiB: must be 1 or more", vm => vm with { MemoryMiB = 0 } },
        { "maxMemoryMiB: is below memoryMiB, 512", vm => vm with { MaxMemoryMiB = 511 } },
        { "layoutVersion: 2 is not known to this daemon", vm => vm with { LayoutVersion = 2 } },
        { "uid: QEMU never runs as root", vm => vm with { Uid = 0 } },
        { "uid: QEMU never runs as root", vm => vm with { Gid = 0 } },
        { "runtimeFolder: is no absolute path", vm => vm with { RuntimeFolder = $"run/{vm.Id}" } },
        { "runtimeFolder: does not end in the VM's id", vm => vm with { RuntimeFolder = "/run/lamina/vms/x" } },
        { "runtimeFolder: is too long for the sockets in it: unix(7) allows 100 bytes in all", vm => vm with { RuntimeFolder = $"/{new string('x', 60)}/{vm.Id}" } },
        { "firmware.nvramPath: is needed for UEFI", vm => vm with { Firmware = new FirmwareDefinition { Kind = FirmwareKind.Uefi, CodePath = "/c" } } },
        { "disks[0].slot: 16 is not within 0..15", vm => vm with { Disks = [Disk(16)] } },
        { "disks[0].slot: 15 is not within 0..14", vm => vm with { MachineType = "pc-i440fx-7.2", Disks = [Disk(15)] } },
        { "disks[1].slot: 24 is not within 0..23", vm => vm with { Disks = [Disk(0), Disk(24) with { Bus = DiskBus.Scsi }] } },
        { "disks: slot 3 is taken twice", vm => vm with { Disks = [Disk(3), Disk(3) with { Bus = DiskBus.Scsi }] } },
        { "disks[0].serial: is longer than 20 characters", vm => vm with { Disks = [Disk(0) with { Serial = new string('s', 21) }] } },
        { "disks[0].serial: holds a control character", vm => vm with { Disks = [Disk(0) with { Serial = "a\nb" }] } },
        { "cdroms[0].slot: 8 is not within 0..7", vm => vm with { Cdroms = [new CdromDefinition { Slot = 8 }] } },
        { "floppy: q35 has no floppy controller: use a pc-i440fx type", vm => vm with { Floppy = new FloppyDefinition { Path = "/f" } } },
        { "nics[0].slot: -1 is not within 0..7", vm => vm with { Nics = [Nic(-1)] } },
        { "nics[0].mac: 52:54:00:00:00:01,x is no MAC address", vm => vm with { Nics = [Nic(0) with { Mac = "52:54:00:00:00:01,x" }] } },
        { "nics[0].forwards: belong to the user-mode network only", vm => vm with { Nics = [Nic(0) with { TapName = "t", Forwards = [Forward("127.0.0.1")] }] } },
        { "nics[0].forwards: hostAddress is no address", vm => vm with { Nics = [Nic(0) with { Forwards = [Forward("0,x")] }] } },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_named_with_its_place(string expected, Func<VmDefinition, VmDefinition> mistake) =>
        Assert.Equal([expected], DefinitionRules.Problems(mistake(Scenarios.Small("pc-q35-7.2"))));

    [Fact]
    public void All_mistakes_are_named_at_once() =>
        Assert.Equal(3, DefinitionRules.Problems(Scenarios.Small("pc-q35-7.2") with { Cpus = 0, MemoryMiB = 0, Uid = 0 }).Count);

    [Theory]
    [MemberData(nameof(ScenarioNames))]
    public void What_the_golden_files_hold_is_right(string scenario) => Assert.Empty(DefinitionRules.Problems(Scenarios.All[scenario]));

    private static DiskDefinition Disk(int slot) => new() { Slot = slot, Path = "/d", Format = DiskFormat.Raw };
    private static NicDefinition Nic(int slot) => new() { Slot = slot, Mac = "52:54:00:00:00:01" };
    private static PortForward Forward(string address) => new() { HostAddress = address, HostPort = 1, GuestPort = 1 };
}
