using Lamina.Api;

namespace Lamina.Server.Migration.Cold;

/// <summary>A folder that goes along.</summary>
/// <param name="Path">In either pool: <c>disks/&lt;id&gt;</c>, <c>vms/&lt;id&gt;</c>.</param>
/// <param name="From">Id of the pool that it leaves.</param>
/// <param name="To">Id of the pool that it enters.</param>
/// <param name="Disk">Id of the disk that it is; null: the VM's own files.</param>
internal sealed record ColdFolder(string Path, string From, string To, string? Disk);

/// <summary>What of a VM goes along (pure).</summary>
internal static class ColdFolders
{
    public static IReadOnlyList<ColdFolder> Of(string vmId, VmHandover record)
    {
        var disks = record.Disks.Select(disk => new ColdFolder(System.IO.Path.Join("disks", disk.Disk), disk.From, disk.To, disk.Disk));
        return record.Home is { } home ? [.. disks, new ColdFolder(System.IO.Path.Join("vms", vmId), home.From, home.To, null)] : [.. disks];
    }
}
