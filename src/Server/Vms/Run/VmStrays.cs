using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>Disks that belong to a VM and are neither wanted by its spec nor held by its process any more (pure).</summary>
internal static class VmStrays
{
    public static IReadOnlyList<string> Of(CacheSnapshot snapshot, string vmId, VmSpec spec, VmDefinition? running) =>
    [
        .. snapshot.All(Keys.Disks.Spec)
            .Where(disk => disk.Record.Vm == vmId && !spec.Disks.Any(wanted => wanted.Disk == disk.Id))
            .Where(disk => running is null || running.Disks.All(held => held.Serial != VmDifferences.SerialOf(disk.Id)))
            .Where(disk => disk.Record.Making is null || snapshot.Get(Keys.Disks.Status, disk.Id) is not null)
            .Select(disk => disk.Id),
    ];
}
