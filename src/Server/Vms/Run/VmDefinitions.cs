using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Disks;
using Lamina.Server.Placement;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms.Run;

/// <summary>Turns a spec and what the host has made for it into what the engine runs (pure). The one place where both forms meet.</summary>
internal static class VmDefinitions
{
    public static VmDefinition Make(VmSpec spec, VmMaterial material, VmRunIdentity identity, EngineCapabilities engine)
    {
        var kind = engine.Accelerator == Engine.Accelerator.Kvm ? AcceleratorKind.Kvm : AcceleratorKind.Tcg;
        var footprint = VmFootprint.Of(spec.MemoryMiB, kind);
        return new VmDefinition
        {
            Id = Guid.Parse(identity.VmId),
            Name = spec.Name,
            Instance = identity.Instance,
            Epoch = identity.Epoch,
            Run = identity.Run,
            LayoutVersion = spec.Machine.LayoutVersion,
            MachineType = spec.Machine.Type,
            Accelerator = engine.Accelerator,
            CpuModel = spec.Machine.CpuModel,
            CpuFlags = spec.Machine.CpuFlags,
            Cpus = spec.Cpus,
            MaxCpus = spec.Machine.MaxCpus,
            MemoryMiB = spec.MemoryMiB,
            MaxMemoryMiB = spec.Machine.MaxMemoryMiB,
            MergeMemory = spec.MergeMemory,
            TbSizeMiB = footprint.TranslationCacheMiB,
            HyperV = spec.Machine.HyperV,
            Firmware = Firmware(spec, material, engine),
            Tpm = material.TpmFolder is { } tpm ? new TpmDefinition { StateFolder = tpm, Key = material.TpmKey } : null,
            LocalTimeClock = spec.Clock == VmClock.LocalTime,
            Watchdog = WatchdogOf(spec),
            BootMenu = spec.BootMenu,
            Kernel = Kernel(spec, material),
            Disks = [.. spec.Disks.Select(disk => Disk(disk, material.Disks[disk.Disk], material.DiskSizes.TryGetValue(disk.Disk, out long size) ? size : null))],
            Cdroms = Cdroms(spec, material),
            Floppy = spec.Floppy is { } floppy
                ? new FloppyDefinition { Path = material.Media[floppy], ReadOnly = true, BootIndex = VmMediaRules.FloppyBootIndex }
                : null,
            Nics = [.. spec.Nics.Select(nic => Nic(nic, material.Taps.GetValueOrDefault(nic.Slot)))],
            Video = new VideoDefinition { MemoryMiB = VmFootprint.VideoMiB },
            Limits = Limits(spec, footprint),
            Uid = identity.UserId,
            Gid = identity.UserId,
            RuntimeFolder = identity.RuntimeFolder,
        };
    }

    /// <summary>
    /// The machine of a saved memory, on this run's ground: what the guest knows of comes from then, what lies on the host from now. A medium
    /// that is gone leaves its drive empty.
    /// </summary>
    /// <exception cref="ProblemException">A disk or card that the guest knows of is not in the VM any more.</exception>
    public static VmDefinition Resume(VmDefinition saved, VmDefinition fresh, string name) => saved with
    {
        Name = fresh.Name,
        Instance = fresh.Instance,
        Epoch = fresh.Epoch,
        Run = fresh.Run,
        Uid = fresh.Uid,
        Gid = fresh.Gid,
        RuntimeFolder = fresh.RuntimeFolder,
        Limits = fresh.Limits,
        Incoming = true,
        Firmware = saved.Firmware with { CodePath = fresh.Firmware.CodePath, NvramPath = fresh.Firmware.NvramPath },
        Tpm = fresh.Tpm,
        Kernel = fresh.Kernel,
        Disks = [.. saved.Disks.Select(disk => fresh.Disks.FirstOrDefault(now => now.Slot == disk.Slot) is { } now
            ? disk with { Path = now.Path, Format = now.Format, Node = null, Backing = now.Backing, Throttle = now.Throttle, SizeBytes = null }
            : throw Lost(name, $"disk in slot {disk.Slot}"))],
        Cdroms = [.. saved.Cdroms.Select(cdrom => cdrom with { Path = File.Exists(cdrom.Path) ? cdrom.Path : null })],
        Nics = [.. saved.Nics.Select(nic => fresh.Nics.FirstOrDefault(now => now.Slot == nic.Slot) is { } now
            ? nic with { TapName = now.TapName, Forwards = now.Forwards }
            : throw Lost(name, $"card in slot {nic.Slot}"))],
    };

    /// <summary>
    /// The machine of a guest that comes from another host while it runs, on this host's ground: what the guest knows of comes from there, what lies on the
    /// host from here.
    /// </summary>
    /// <exception cref="ProblemException">A device that the guest knows of is not in the VM any more.</exception>
    public static VmDefinition Arrive(VmDefinition running, VmDefinition fresh, string name) => Resume(running, fresh, name) with
    {
        Incoming = false,
        MigratesIn = true,
        Cdroms = [.. running.Cdroms.Select(cdrom => cdrom with { Path = cdrom.Path is null ? null : (fresh.Cdroms.FirstOrDefault(now => now.Slot == cdrom.Slot) ?? throw Lost(name, $"drive in slot {cdrom.Slot}")).Path })],
        Floppy = running.Floppy is null ? null : fresh.Floppy,
    };

    private static ProblemException Lost(string name, string what) => new(
        ProblemKind.Unprocessable, "vm.memoryUnfit", $"The memory of VM '{name}' knows a {what}, which the VM has no more.",
        $"Put it back, or discard the memory and boot: lamina vm stop {name} --force.");

    private static FirmwareDefinition Firmware(VmSpec spec, VmMaterial material, EngineCapabilities engine) => spec.Firmware switch
    {
        VmFirmware.Bios => new FirmwareDefinition(),
        _ => new FirmwareDefinition
        {
            Kind = FirmwareKind.Uefi,
            CodePath = (spec.SecureBoot ? engine.SecureUefi : engine.Uefi)?.CodePath,
            NvramPath = material.NvramPath,
            SecureBoot = spec.SecureBoot,
        },
    };

    /// <summary>QEMU's own power-off would end its process at once, disks unflushed: the guest is halted, and the plan ends it.</summary>
    public static WatchdogPolicy? WatchdogOf(VmSpec spec) => spec.Watchdog switch
    {
        null => null,
        WatchdogAction.Reset => WatchdogPolicy.Reset,
        WatchdogAction.None => WatchdogPolicy.None,
        _ => WatchdogPolicy.Pause,
    };

    private static KernelDefinition? Kernel(VmSpec spec, VmMaterial material) => spec.Kernel is not { } kernel ? null : new KernelDefinition
    {
        KernelPath = material.Media[kernel.Kernel],
        InitrdPath = kernel.Initrd is { } initrd ? material.Media[initrd] : null,
        CommandLine = kernel.CommandLine ?? "",
    };

    public static DiskDefinition Disk(VmDisk disk, DiskPaths paths, long? sizeBytes) => new()
    {
        Slot = disk.Slot,
        Path = paths.Path,
        Format = FormatOf(paths.Format),
        Backing = [.. paths.Backing.Select(file => new DiskFile { Path = file.Path, Format = FormatOf(file.Format) })],
        Bus = disk.Bus switch
        {
            Api.DiskBus.Scsi => Engine.DiskBus.Scsi,
            Api.DiskBus.Sata => Engine.DiskBus.Sata,
            _ => Engine.DiskBus.Virtio,
        },
        ReadOnly = disk.ReadOnly,
        BootIndex = disk.BootIndex,

        Serial = VmDifferences.SerialOf(disk.Disk),
        SizeBytes = sizeBytes,
        Throttle = VmDifferences.ThrottleOf(disk.Limits),
    };

    public static Engine.DiskFormat FormatOf(Api.DiskFormat format) => format == Api.DiskFormat.Raw ? Engine.DiskFormat.Raw : Engine.DiskFormat.Qcow2;

    private static IReadOnlyList<CdromDefinition> Cdroms(VmSpec spec, VmMaterial material)
    {
        var cdroms = spec.Cdroms.Select(cdrom => Cdrom(cdrom, iso => material.Media[iso]));
        return material.SeedPath is { } seed ? [.. cdroms, new CdromDefinition { Slot = VmMediaRules.SeedSlot, Path = seed }] : [.. cdroms];
    }

    public static CdromDefinition Cdrom(VmCdrom cdrom, Func<string, string> pathOf) => new()
    {
        Slot = cdrom.Slot,
        Path = cdrom.Iso is { } iso ? pathOf(iso) : null,
        Bus = cdrom.Bus == Api.CdromBus.Sata ? Engine.CdromBus.Sata : Engine.CdromBus.Scsi,
        BootIndex = cdrom.BootIndex,
    };

    public static NicDefinition Nic(VmNic nic, VmTap? tap) => new()
    {
        Slot = nic.Slot,
        Mac = nic.Mac,
        TapName = tap?.Name,
        Mtu = tap?.Mtu,
        Model = nic.Model == Api.NicModel.E1000 ? Engine.NicModel.E1000 : Engine.NicModel.Virtio,
        BootIndex = nic.BootIndex,
        LinkUp = nic.Link == NicLink.Up,
        Network = nic.Network,
    };

    private static LimitsDefinition Limits(VmSpec spec, VmFootprint footprint) => new()
    {
        CpuQuotaPercent = spec.Limits?.CpuPercent ?? (100 * spec.Cpus),
        CpuWeight = spec.Limits?.CpuWeight,
        MemoryLimitBytes = (long)footprint.LimitMiB << 20,
    };
}
