using System.Globalization;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms.Plan;

/// <summary>What is known beside spec and definition.</summary>
internal sealed record VmDifferenceFacts
{
    /// <summary>By the disk's id; absent: its record is gone, and it is left as it is.</summary>
    public required IReadOnlyDictionary<string, DiskFacts> Disks { get; init; }

    /// <summary>Paths of media by id; absent: not known now, and left as it is.</summary>
    public required IReadOnlyDictionary<string, string> Media { get; init; }

    /// <summary>Devices that the machine does not have, though the record says so.</summary>
    public required IReadOnlySet<string> Lost { get; init; }
}

/// <summary>
/// Compares what is wanted with what runs (pure): each difference is either changed at once, or waits for a restart with a reason. The order is that in
/// which changes are made: what goes first makes room for what comes.
/// </summary>
internal static class VmDifferences
{
    private const string AtStart = "It takes effect at the next start.";
    private const string NoController = "The VM was started without a SCSI controller, and one cannot be plugged: it gets it at the next start.";
    private const string SataStays = "SATA devices are never plugged or unplugged while the guest runs.";

    /// <summary>How a device's place in the spec is written.</summary>
    public static string PathOf(string list, int slot) => string.Create(CultureInfo.InvariantCulture, $"$.{list}[?@.slot=={slot}]");

    public static IReadOnlyList<VmDifference> Of(VmSpec spec, VmDefinition running, VmDifferenceFacts facts) =>
    [
        .. Disks(spec, running, facts).Concat(Cdroms(spec, running, facts)).Concat(Nics(spec, running, facts))
            .Concat(Sizes(spec, running)).Concat(Rest(spec, running)).OrderBy(difference => difference.Change?.Kind ?? default),
    ];

    /// <summary>What shows that a disk in a slot is this disk.</summary>
    /// <remarks>The end of a version 7 UUID is its random part; QEMU takes 20 characters.</remarks>
    public static string SerialOf(string diskId) => diskId.Replace("-", "", StringComparison.Ordinal)[^20..];

    /// <summary>Null: no bound.</summary>
    public static ThrottleDefinition? ThrottleOf(DiskLimits? limits) => limits is null ? null : new ThrottleDefinition
    {
        Iops = limits.Iops ?? 0,
        IopsRead = limits.IopsRead ?? 0,
        IopsWrite = limits.IopsWrite ?? 0,
        Bytes = limits.BytesPerSecond ?? 0,
        BytesRead = limits.BytesPerSecondRead ?? 0,
        BytesWrite = limits.BytesPerSecondWrite ?? 0,
    } is var throttle && throttle == new ThrottleDefinition() ? null : throttle;

    private static IEnumerable<VmDifference> Disks(VmSpec spec, VmDefinition running, VmDifferenceFacts facts)
    {
        foreach (int slot in Slots(spec.Disks.Select(disk => disk.Slot), running.Disks.Select(disk => disk.Slot)))
        {
            string path = PathOf("disks", slot);
            var wanted = spec.Disks.FirstOrDefault(disk => disk.Slot == slot);
            var present = running.Disks.FirstOrDefault(disk => disk.Slot == slot);
            if (present is not null && facts.Lost.Contains($"disk{slot}")) yield return VmDifference.Live(path, VmLiveKind.Forget, slot, $"disk{slot}");
            else if (wanted is null || (present is not null && present.Serial != SerialOf(wanted.Disk)))
                yield return present!.Bus == Engine.DiskBus.Sata ? VmDifference.Restart(path, SataStays) : VmDifference.Live(path, VmLiveKind.UnplugDisk, slot, "none");
            else if (present is null) yield return Plug(wanted, path, running, facts);
            else foreach (var difference in Disk(wanted, present, path, facts)) yield return difference;
        }
    }

    private static VmDifference Plug(VmDisk wanted, string path, VmDefinition running, VmDifferenceFacts facts)
    {
        if (wanted.Bus == Api.DiskBus.Sata) return VmDifference.Restart(path, SataStays);
        if (wanted.Bus == Api.DiskBus.Scsi && !VmChange.HasScsi(running)) return VmDifference.Restart(path, NoController);
        return facts.Disks.ContainsKey(wanted.Disk)
            ? VmDifference.Live(path, VmLiveKind.PlugDisk, wanted.Slot, wanted.Disk)
            : VmDifference.Restart(path, "The disk's record is gone.");
    }

    private static IEnumerable<VmDifference> Disk(VmDisk wanted, DiskDefinition present, string path, VmDifferenceFacts facts)
    {
        if (facts.Disks.TryGetValue(wanted.Disk, out var disk) && (present.SizeBytes ?? disk.KnownSizeBytes) is { } size && disk.SizeBytes > size)
            yield return VmDifference.Live(path + ".sizeBytes", VmLiveKind.ResizeDisk, wanted.Slot, disk.SizeBytes.ToString(CultureInfo.InvariantCulture));
        if (ThrottleOf(wanted.Limits) != present.Throttle)
            yield return VmDifference.Live(path + ".limits", VmLiveKind.ThrottleDisk, wanted.Slot, ThrottleOf(wanted.Limits)?.ToString() ?? "none");
        if (wanted.ReadOnly != present.ReadOnly) yield return VmDifference.Restart(path + ".readOnly", AtStart);
    }

    private static IEnumerable<VmDifference> Cdroms(VmSpec spec, VmDefinition running, VmDifferenceFacts facts)
    {
        foreach (int slot in Slots(spec.Cdroms.Select(cdrom => cdrom.Slot), running.Cdroms.Select(cdrom => cdrom.Slot)))
        {
            // cloud-init's own drive is no drive of the spec.
            if (slot == VmMediaRules.SeedSlot) continue;
            string path = PathOf("cdroms", slot);
            var wanted = spec.Cdroms.FirstOrDefault(cdrom => cdrom.Slot == slot);
            var present = running.Cdroms.FirstOrDefault(cdrom => cdrom.Slot == slot);
            bool isSata = wanted?.Bus == Api.CdromBus.Sata || present?.Bus == Engine.CdromBus.Sata;
            if (present is not null && facts.Lost.Contains($"cd{slot}")) yield return VmDifference.Live(path, VmLiveKind.Forget, slot, $"cd{slot}");
            else if (present is null || wanted is null)
            {
                if (isSata) yield return VmDifference.Restart(path, SataStays);
                else if (present is null && !VmChange.HasScsi(running)) yield return VmDifference.Restart(path, NoController);
                else yield return VmDifference.Live(path, present is null ? VmLiveKind.PlugCdrom : VmLiveKind.UnplugCdrom, slot, wanted?.Iso ?? "none");
            }
            else if (MediumOf(wanted, facts) is { IsKnown: true } medium && medium.Path != present.Path)
                yield return VmDifference.Live(path + ".iso", VmLiveKind.ChangeMedium, slot, wanted.Iso ?? "none");
        }
    }

    private static (bool IsKnown, string? Path) MediumOf(VmCdrom cdrom, VmDifferenceFacts facts) =>
        cdrom.Iso is not { } iso ? (true, null) : facts.Media.TryGetValue(iso, out string? path) ? (true, path) : (false, null);

    private static IEnumerable<VmDifference> Nics(VmSpec spec, VmDefinition running, VmDifferenceFacts facts)
    {
        foreach (int slot in Slots(spec.Nics.Select(nic => nic.Slot), running.Nics.Select(nic => nic.Slot)))
        {
            string path = PathOf("nics", slot);
            var wanted = spec.Nics.FirstOrDefault(nic => nic.Slot == slot);
            var present = running.Nics.FirstOrDefault(nic => nic.Slot == slot);
            if (present is not null && facts.Lost.Contains($"nic{slot}")) yield return VmDifference.Live(path, VmLiveKind.Forget, slot, $"nic{slot}");
            else if (wanted is null || (present is not null && !IsSame(wanted, present))) yield return VmDifference.Live(path, VmLiveKind.UnplugNic, slot, "none");
            else if (present is null) yield return VmDifference.Live(path, VmLiveKind.PlugNic, slot, wanted.Mac);
            else if ((wanted.Link == NicLink.Up) != present.LinkUp || (present.Network is { } network && network != wanted.Network))
                yield return VmDifference.Live(path, VmLiveKind.SetNic, slot, $"{wanted.Link} {wanted.Network}");
        }
    }

    private static bool IsSame(VmNic wanted, NicDefinition present) =>
        wanted.Mac == present.Mac && (wanted.Kind == NicKind.User) == (present.TapName is null)
        && (wanted.Model == Api.NicModel.E1000) == (present.Model == Engine.NicModel.E1000);

    private static IEnumerable<VmDifference> Sizes(VmSpec spec, VmDefinition running)
    {
        if (spec.Cpus > running.MaxCpus) yield return VmDifference.Restart("$.cpus", $"The VM was started with places for {running.MaxCpus} CPUs.");
        else if (spec.Cpus != running.Cpus && running.Accelerator != Engine.Accelerator.Kvm)
            yield return VmDifference.Restart("$.cpus", "Without KVM, QEMU may crash when a CPU comes or goes: the VM has them at the next start.");
        else if (spec.Cpus != running.Cpus) yield return VmDifference.Live("$.cpus", VmLiveKind.SetCpus, 0, spec.Cpus.ToString(CultureInfo.InvariantCulture));

        int memory = running.MemoryMiB + running.PluggedMemoryMiB;
        bool hasRoom = running.MaxMemoryMiB > running.MemoryMiB && running.MachineType.StartsWith("pc-q35", StringComparison.Ordinal);
        if (spec.MemoryMiB == memory) { /* as wanted */ }
        else if (!hasRoom) yield return VmDifference.Restart("$.memoryMiB", "The VM was started without room for another size of memory (maxMemoryMiB).");
        else if (spec.MemoryMiB > running.MaxMemoryMiB) yield return VmDifference.Restart("$.memoryMiB", $"The VM was started with room for at most {running.MaxMemoryMiB} MiB.");
        else if (spec.MemoryMiB < running.MemoryMiB) yield return VmDifference.Restart("$.memoryMiB", $"The {running.MemoryMiB} MiB with which the VM was started cannot be taken from it.");
        else if ((spec.MemoryMiB - running.MemoryMiB) % 2 != 0) yield return VmDifference.Restart("$.memoryMiB", "Memory is given to a running guest in steps of 2 MiB.");
        else yield return VmDifference.Live("$.memoryMiB", VmLiveKind.SetMemory, 0, spec.MemoryMiB.ToString(CultureInfo.InvariantCulture));

        if (QuotaOf(spec, running) != running.Limits.CpuQuotaPercent || spec.Limits?.CpuWeight != running.Limits.CpuWeight)
            yield return VmDifference.Live("$.limits", VmLiveKind.SetLimits, 0, $"{QuotaOf(spec, running)} {spec.Limits?.CpuWeight}");
    }

    /// <summary>Without a cap of its own: as much as it has CPUs now.</summary>
    public static int QuotaOf(VmSpec spec, VmDefinition running) => spec.Limits?.CpuPercent ?? (100 * running.Cpus);

    private static IEnumerable<VmDifference> Rest(VmSpec spec, VmDefinition running)
    {
        if (spec.Machine.MaxCpus != running.MaxCpus) yield return VmDifference.Restart("$.machine.maxCpus", AtStart);
        if (spec.Machine.MaxMemoryMiB != running.MaxMemoryMiB) yield return VmDifference.Restart("$.machine.maxMemoryMiB", AtStart);
        if (Run.VmDefinitions.WatchdogOf(spec) != running.Watchdog) yield return VmDifference.Restart("$.watchdog", AtStart);
        if (spec.BootMenu != running.BootMenu) yield return VmDifference.Restart("$.bootMenu", AtStart);
        if (spec.Clock == VmClock.LocalTime != running.LocalTimeClock) yield return VmDifference.Restart("$.clock", AtStart);
        if (!IsBootedOnce(running) && !IsSameOrder(spec, running)) yield return VmDifference.Restart("$.boot", "The boot order is read at the next start.");
    }

    /// <summary>A device that is yet to come, or to go, has a difference of its own.</summary>
    private static bool IsSameOrder(VmSpec spec, VmDefinition running)
    {
        var both = DevicesOf(spec).Intersect(DevicesOf(running)).ToHashSet(StringComparer.Ordinal);
        return VmBootOrder.Of(spec).Where(both.Contains).SequenceEqual(VmBootOrder.Of(running).Where(both.Contains));
    }

    private static IEnumerable<string> DevicesOf(VmSpec spec) => spec.Disks.Select(disk => $"disk{disk.Slot}")
        .Concat(spec.Cdroms.Select(cdrom => $"cd{cdrom.Slot}")).Concat(spec.Nics.Select(nic => $"nic{nic.Slot}"));

    private static IEnumerable<string> DevicesOf(VmDefinition running) => running.Disks.Select(disk => $"disk{disk.Slot}")
        .Concat(running.Cdroms.Select(cdrom => $"cd{cdrom.Slot}")).Concat(running.Nics.Select(nic => $"nic{nic.Slot}"));

    /// <summary>For one start the others stand behind the device that was named.</summary>
    private static bool IsBootedOnce(VmDefinition running) =>
        running.Disks.Select(disk => disk.BootIndex).Concat(running.Cdroms.Select(cdrom => cdrom.BootIndex)).Concat(running.Nics.Select(nic => nic.BootIndex))
            .Any(index => index > VmFirmwareRules.HighestBootIndex);

    private static IEnumerable<int> Slots(IEnumerable<int> wanted, IEnumerable<int> present) => wanted.Union(present).Order();
}
