using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Copies;

/// <summary>Finds the state of a VM that a request means (pure).</summary>
internal static class SourcePoints
{
    /// <param name="snapshot">The state.</param>
    /// <param name="vm">The VM.</param>
    /// <param name="name">Name or id of its snapshot; null: as it is now.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static SourcePoint? Find(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, string? name, InputProblems problems)
    {
        if (name is null) return SourcePoint.Now(vm.Record);
        var found = snapshot.All(Keys.Snapshots.Spec).FirstOrDefault(known => known.Record.Vm == vm.Id && (known.Id == name || known.Record.Name == name));
        if (found is not null) return Of(snapshot, vm.Record, found, problems);
        problems.Add("$.snapshot", "snapshot.notFound", $"VM '{vm.Record.Name}' has no snapshot '{Suggestions.Shorten(name)}': 'lamina vm snapshot list {vm.Record.Name}' shows those there are.");
        return null;
    }

    private static SourcePoint? Of(CacheSnapshot snapshot, VmSpec vm, CachedRecord<SnapshotSpec> found, InputProblems problems)
    {
        if (snapshot.Get(Keys.Snapshots.Status, found.Id)?.Record is { State: ContentState.Ready } status && found.Record.Deleting is null)
            return new SourcePoint(found.Record.Hardware, found.Id, status.Disks.ToDictionary(disk => disk.Disk, disk => disk.Layer, StringComparer.Ordinal));
        problems.Add("$.snapshot", "snapshot.notReady", $"Snapshot '{found.Record.Name}' of VM '{vm.Name}' is {(found.Record.Deleting is null ? "not whole yet" : "being deleted")}.");
        return null;
    }
}
