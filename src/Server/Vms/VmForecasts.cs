using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Placement;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms;

/// <summary>What making a VM would do, decided as its creation and its placement would (pure).</summary>
internal static class VmForecasts
{
    public static VmForecast Of(CacheSnapshot snapshot, VmDraft draft)
    {
        var world = PlacementBoard.Read(snapshot);
        var request = PlacementRequest.OfUnplaced(draft.Id, draft.Spec, disk => draft.Disks.FirstOrDefault(made => made.Id == disk)?.Spec);
        var verdict = world.Place(request);
        return new VmForecast
        {
            Name = draft.Spec.Name,
            Cpus = draft.Spec.Cpus,
            MemoryMiB = draft.Spec.MemoryMiB,
            Firmware = draft.Spec.Firmware,
            OperatingSystem = draft.Spec.OperatingSystem,
            CpuModel = draft.Spec.Machine.CpuModel,
            Disks = [.. draft.Disks.Select(disk => DiskOf(snapshot, disk.Spec, verdict.Host))],
            Warnings = draft.Warnings,
            Host = verdict.Host,
            HostName = verdict.Host is { } host ? snapshot.HostName(host) : null,
            Why = verdict.Why,
            Refusal = verdict.Refusal,
            Hosts = world.Explain(request, here: null),
        };
    }

    private static VmForecastDisk DiskOf(CacheSnapshot snapshot, DiskSpec disk, string? host)
    {
        string pool = host is null ? disk.Pool : VmHomes.PoolOf(snapshot, disk, host);
        return new VmForecastDisk
        {
            Name = disk.Name,
            SizeBytes = disk.SizeBytes,
            Pool = pool,
            PoolName = snapshot.Get(Keys.Pools.Spec, pool)?.Record.Name ?? pool,
            PoolFreeBytes = snapshot.Get(Keys.Pools.Status, pool)?.Record.FreeBytes,
        };
    }
}
