using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Disks;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Xunit;
using DiskFormat = Lamina.Engine.DiskFormat;

namespace Lamina.Tests.Unit.Vms;

public class VmDefinitionsTests
{
    private const string VmId = "01a206f7-80b5-72db-8566-de7d985f5030";

    private static readonly VmMaterial Nothing = new()
    {
        Disks = new Dictionary<string, DiskPaths>(),
        Media = new Dictionary<string, string>(),
        Taps = new Dictionary<int, VmTap>(),
    };

    private static readonly VmRunIdentity Identity = new() { VmId = VmId, Instance = "test", Epoch = 3, Run = 7, UserId = 200_005, RuntimeFolder = "/run/lamina/vms/x" };

    private static VmDefinition Make(VmSpec spec, VmMaterial? material = null) => VmDefinitions.Make(spec, material ?? Nothing, Identity, FakeEngine.DefaultCapabilities);

    [Fact]
    public void IdentityMachineAndLimitsAreTakenOver()
    {
        var made = Make(TestVms.Spec());
        Assert.Equal((Guid.Parse(VmId), "web1", "test", 3L, 7L), (made.Id, made.Name, made.Instance, made.Epoch, made.Run));
        Assert.Equal(("pc-q35-7.2", "Westmere-v1", 1, 4, 512), (made.MachineType, made.CpuModel, made.Cpus, made.MaxCpus, made.MemoryMiB));
        Assert.Equal((200_005, 200_005), (made.Uid, made.Gid));
        Assert.Equal(128, made.TbSizeMiB);
        Assert.Equal((100, (512L + 256 + 128 + 16) << 20), (made.Limits.CpuQuotaPercent, made.Limits.MemoryLimitBytes!.Value));
        Assert.Equal(FirmwareKind.Bios, made.Firmware.Kind);
    }

    [Fact]
    public void DisksComeWithTheImagesBelowThem()
    {
        var spec = TestVms.Spec() with
        {
            Disks =
            [
                new VmDisk { Slot = 0, Disk = "01a206f7-80b5-7296-8cb0-4d7aeedc807f", BootIndex = 10 },
                new VmDisk { Slot = 1, Disk = "01a206f7-80b5-7296-8cb0-000000000001", Bus = Lamina.Api.DiskBus.Scsi, ReadOnly = true },
            ],
        };
        var made = Make(spec, Nothing with
        {
            Disks = new Dictionary<string, DiskPaths>
            {
                [spec.Disks[0].Disk] = new("/pool/disks/a/disk.qcow2", Lamina.Api.DiskFormat.Qcow2) { Backing = [new("/pool/images/b/image.qcow2", Lamina.Api.DiskFormat.Qcow2)] },
                [spec.Disks[1].Disk] = new("/pool/disks/c/disk.raw", Lamina.Api.DiskFormat.Raw),
            },
        });
        Assert.Equal(("/pool/disks/a/disk.qcow2", DiskFormat.Qcow2, "/pool/images/b/image.qcow2", 10), (made.Disks[0].Path, made.Disks[0].Format, made.Disks[0].Backing.Single().Path, made.Disks[0].BootIndex));
        Assert.Equal((DiskFormat.Raw, Lamina.Engine.DiskBus.Scsi, true), (made.Disks[1].Format, made.Disks[1].Bus, made.Disks[1].ReadOnly));
        Assert.Empty(made.Disks[1].Backing);
        Assert.All(made.Disks, disk => Assert.Equal(20, disk.Serial!.Length));
        Assert.NotEqual(made.Disks[0].Serial, made.Disks[1].Serial);
    }

    [Fact]
    public void MediaAreResolvedAndTheSeedHasADriveOfItsOwn()
    {
        var spec = TestVms.Spec() with
        {
            Firmware = VmFirmware.Uefi,
            Cdroms = [new VmCdrom { Slot = 0, Iso = "iso-1", BootIndex = 50 }, new VmCdrom { Slot = 1 }],
            Kernel = new VmKernel { Kernel = "iso-2", CommandLine = "quiet" },
            Floppy = "iso-3",
        };
        var made = Make(spec, Nothing with
        {
            Media = new Dictionary<string, string> { ["iso-1"] = "/isos/1", ["iso-2"] = "/isos/2", ["iso-3"] = "/isos/3" },
            SeedPath = "/vms/x/seed.iso",
            NvramPath = "/vms/x/nvram",
        });
        Assert.Equal([(0, "/isos/1"), (1, null), (7, "/vms/x/seed.iso")], made.Cdroms.Select(cdrom => (cdrom.Slot, cdrom.Path)));
        Assert.Equal(("/isos/2", null, "quiet"), (made.Kernel!.KernelPath, made.Kernel.InitrdPath, made.Kernel.CommandLine));
        Assert.Equal("/isos/3", made.Floppy!.Path);
        Assert.Equal((FirmwareKind.Uefi, "/vms/x/nvram"), (made.Firmware.Kind, made.Firmware.NvramPath));
        Assert.NotNull(made.Firmware.CodePath);
    }

    [Fact]
    public void ACardWithATapIsPluggedAndOneWithoutIsUserMode()
    {
        var spec = TestVms.Spec() with
        {
            Nics = [new VmNic { Slot = 0, Mac = "52:54:00:00:00:01", Network = "net-1" }, new VmNic { Slot = 3, Kind = NicKind.User, Mac = "52:54:00:00:00:02", Model = Lamina.Api.NicModel.E1000 }],
        };
        var made = Make(spec, Nothing with { Taps = new Dictionary<int, VmTap> { [0] = new("lmabc", 1450) } });
        Assert.Equal([(0, "lmabc", 1450), (3, null, null)], made.Nics.Select(nic => (nic.Slot, nic.TapName, nic.Mtu)));
        Assert.Equal(Lamina.Engine.NicModel.E1000, made.Nics[1].Model);
    }
}
