using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Vms.Rules;

namespace Lamina.Tests.Unit.Vms;

public class VmSystemRulesTests
{
    private static readonly OperatingSystemCatalogue Systems = OperatingSystemCatalogue.Of(
    [
        new OsinfoEntry
        {
            Url = "w", ShortIds = ["win11"], Name = "Windows 11", Family = "winnt", Released = new DateOnly(2021, 10, 5), NeedsSecureBootAndTpm = true,
            Minimum = new OperatingSystemResources { Cpus = 2, MemoryMiB = 4096, DiskBytes = 64L << 30 },
        },
        new OsinfoEntry
        {
            Url = "l", ShortIds = ["linux"], Name = "Linux", Family = "linux", Minimum = new OperatingSystemResources { MemoryMiB = 256 },
            Recommended = new OperatingSystemResources { MemoryMiB = 1 << 20, DiskBytes = 5L << 30 },
        },
    ]);

    private static VmDraft Create(VmCreate create) => VmRules.Create(create, new VmLookups(Installation(), "default") { OperatingSystems = Systems }, TestVms.Epoch);

    private static CacheSnapshot Installation() => TestSnapshots.Installation()
        .Iso("win", "iso-10", IsoKind.Iso).Add(Keys.Isos.Status, "iso-10", new IsoStatus { State = ContentState.Ready, OperatingSystem = "win11" })
        .Iso("virtio", "iso-11", IsoKind.Iso).Add(Keys.Isos.Status, "iso-11", new IsoStatus { State = ContentState.Ready, Label = "virtio-win-0.1.240" })
        .Iso("lost", "iso-12", IsoKind.Iso).Add(Keys.Isos.Status, "iso-12", new IsoStatus { State = ContentState.Ready, OperatingSystem = "forgotten" })
        .Build();

    private static VmCreate Asked(params string[] isos) => new() { Name = "vm", Isos = isos };

    [Fact]
    public void A_system_that_nobody_knows_is_refused_and_one_that_a_medium_remembers_is_not()
    {
        var found = Assert.Throws<InputException>(() => Create(Asked() with { OperatingSystem = "windos" })).Problems;
        Assert.Equal(("$.operatingSystem", "os.notFound"), (Assert.Single(found).Path, found[0].Code));
        Assert.Null(Create(Asked("lost")).Spec.OperatingSystem);
    }

    [Fact]
    public void Windows_gets_what_it_demands_and_devices_that_it_knows()
    {
        var draft = Create(Asked("win") with { OperatingSystem = "win11" });
        var spec = draft.Spec;
        Assert.Equal((VmFirmware.Uefi, true, true, VmClock.LocalTime, 2, 4096), (spec.Firmware, spec.SecureBoot, spec.Tpm is not null, spec.Clock, spec.Cpus, spec.MemoryMiB));
        Assert.Equal((DiskBus.Sata, CdromBus.Sata, NicModel.E1000), (spec.Disks[0].Bus, spec.Cdroms[0].Bus, spec.Nics[0].Model));
        Assert.Equal(64L << 30, draft.Disks[0].Spec.SizeBytes);
        Assert.Contains("hv-relaxed", spec.Machine.HyperV);
        Assert.Empty(draft.Warnings);
    }

    [Fact]
    public void With_a_medium_of_drivers_it_gets_virtio()
    {
        var spec = Create(Asked("win", "virtio") with { Disks = [new VmDiskCreate { SizeBytes = 64L << 30 }] }).Spec;
        Assert.Equal(("win11", DiskBus.Virtio, NicModel.Virtio, CdromBus.Sata), (spec.OperatingSystem, spec.Disks[0].Bus, spec.Nics[0].Model, spec.Cdroms[1].Bus));
    }

    [Fact]
    public void What_is_named_wins_and_what_does_not_fit_is_said()
    {
        var draft = Create(Asked("win") with
        {
            MemoryMiB = 1024, Cpus = 1, Firmware = VmFirmware.Bios, Tpm = false, HyperV = false, Disks = [new VmDiskCreate { SizeBytes = 1L << 30, Bus = DiskBus.Virtio }], Nics = [],
        });
        Assert.Equal((VmFirmware.Bios, false, null, 1024), (draft.Spec.Firmware, draft.Spec.SecureBoot, draft.Spec.Tpm, draft.Spec.MemoryMiB));
        Assert.Empty(draft.Spec.Machine.HyperV);
        Assert.Empty(draft.Spec.Nics);
        string[] expected = ["4096 MiB", "2 CPUs", "64 GiB", "UEFI only", "Secure Boot", "TPM", "virtio-win"];
        Assert.Equal(expected.Length, draft.Warnings.Count);
        Assert.All(expected.Zip(draft.Warnings), pair => Assert.Contains(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public void None_leaves_everything_as_it_is_without_advice()
    {
        var spec = Create(Asked("win") with { OperatingSystem = "none" }).Spec;
        Assert.Equal((null, VmFirmware.Bios, 512, 0), (spec.OperatingSystem, spec.Firmware, spec.MemoryMiB, spec.Disks.Count));
    }

    [Fact]
    public void What_is_recommended_beyond_the_host_falls_back_to_what_is_needed() =>
        Assert.Equal(256, Create(Asked() with { OperatingSystem = "linux" }).Spec.MemoryMiB);

    [Fact]
    public void More_disks_than_the_SATA_controller_has_ports_go_elsewhere_and_are_refused_when_named()
    {
        var disks = Enumerable.Repeat(new VmDiskCreate { SizeBytes = 1 << 30 }, 4).ToList();
        Assert.Equal([DiskBus.Sata, DiskBus.Sata, DiskBus.Sata, DiskBus.Scsi], Create(Asked("win") with { Disks = disks }).Spec.Disks.Select(disk => disk.Bus));
        var refused = Assert.Throws<InputException>(() => Create(Asked() with { Disks = [.. disks.Select(disk => disk with { Bus = DiskBus.Sata })] }));
        Assert.Equal(("$.disks[3].bus", "disk.sataSlot"), (Assert.Single(refused.Problems).Path, refused.Problems[0].Code));
    }

    [Fact]
    public void Secure_Boot_means_UEFI_and_suits_neither_BIOS_nor_floppies_nor_kernels()
    {
        Assert.Equal(VmFirmware.Uefi, Create(Asked() with { SecureBoot = true }).Spec.Firmware);
        string Code(VmCreate create) => Assert.Single(Assert.Throws<InputException>(() => Create(create)).Problems).Code;
        Assert.Equal("vm.secureBootBios", Code(Asked() with { SecureBoot = true, Firmware = VmFirmware.Bios }));
        Assert.Equal("vm.floppyUefi", Code(Asked() with { SecureBoot = true, Floppy = "dos" }));
        Assert.Equal("vm.kernelSecureBoot", Code(Asked() with { SecureBoot = true, Kernel = new VmKernel { Kernel = "vmlinuz" } }));
    }

    [Fact]
    public void A_place_in_the_boot_order_is_taken_once()
    {
        string Code(int index) => Assert.Single(Assert.Throws<InputException>(() => Create(Asked("install") with { Nics = [new VmNicCreate { BootIndex = index }] })).Problems).Code;
        Assert.Equal("value.outOfRange", Code(-1));
        Assert.Equal("vm.bootIndexTwice", Code(VmMediaRules.FirstCdromBootIndex));
        Assert.Equal(1, Create(Asked("install") with { Nics = [new VmNicCreate { BootIndex = 1 }] }).Spec.Nics[0].BootIndex);
    }

    [Fact]
    public void Booting_once_from_elsewhere_puts_that_first_and_keeps_the_rest_in_order()
    {
        var spec = Create(Asked("install", "win") with { OperatingSystem = "none", Image = "debian/12" }).Spec;
        var once = VmFirmwareRules.BootOnce(spec, BootDevice.Cdrom);
        Assert.Equal([0, 1], once.Cdroms.Select(cdrom => cdrom.BootIndex!.Value));
        Assert.True(once.Disks[0].BootIndex > 1);
        Assert.Null(once.Nics[0].BootIndex);
        Assert.Equal(0, VmFirmwareRules.BootOnce(spec, BootDevice.Network).Nics[0].BootIndex);
        Assert.Equal("vm.noBootDevice", Assert.Throws<ProblemException>(() => VmFirmwareRules.BootOnce(spec with { Nics = [] }, BootDevice.Network)).Code);
    }

    [Fact]
    public void Variables_are_reset_where_there_are_some()
    {
        var uefi = Create(Asked() with { Firmware = VmFirmware.Uefi }).Spec;
        var lookups = new VmLookups(Installation(), "default");
        Assert.Equal(1, VmRules.Update(uefi, VmRules.Changeable(uefi) with { ResetNvram = true }, lookups).NvramResets);
        Assert.Equal(0, VmRules.Update(uefi, VmRules.Changeable(uefi), lookups).NvramResets);
        var bios = Create(Asked()).Spec;
        Assert.Equal("vm.noNvram", Assert.Single(Assert.Throws<InputException>(() => VmRules.Update(bios, VmRules.Changeable(bios) with { ResetNvram = true }, lookups)).Problems).Code);
    }
}
