using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Vms;

namespace Lamina.Server.Copies;

/// <summary>When a VM may become a template, and when a template a VM (pure).</summary>
internal static class TemplateRules
{
    /// <summary>Null: it may.</summary>
    public static ProblemException? Refuse(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, bool undo)
    {
        var spec = vm.Record;
        if (undo) return RefuseUndo(snapshot, vm);
        var status = snapshot.Get(Keys.Vms.Status, vm.Id)?.Record;
        if (status is not { State: VmState.Stopped } || (spec.Power.Request is { } request && request != status.Served))
            return ProblemException.Conflict("vm.running", $"VM '{spec.Name}' is not stopped, and a template's disks are frozen.", $"Shut it down first: lamina vm shutdown {spec.Name}.");
        if (status.Job is { } job)
            return ProblemException.Conflict("vm.busy", $"VM '{spec.Name}' is in the hands of operation {job.Operation}.", $"Wait for its end: lamina operation show {job.Operation}.");
        return spec.Disks.Count == 0
            ? ProblemException.Conflict("vm.noDisks", $"VM '{spec.Name}' has no disk, so nothing can be cloned from it.", "Make VMs without disks by 'lamina vm create'.")
            : null;
    }

    private static ProblemException? RefuseUndo(CacheSnapshot snapshot, CachedRecord<VmSpec> vm)
    {
        if (!vm.Record.Template) return ProblemException.Conflict("vm.noTemplate", $"'{vm.Record.Name}' is no template.", "Nothing is to be undone.");
        var active = vm.Record.Disks.ToDictionary(disk => disk.Disk, disk => new DiskLayers(snapshot.Get(Keys.Disks.Status, disk.Disk)?.Record).Active, StringComparer.Ordinal);
        string[] clones =
        [
            .. snapshot.All(Keys.Disks.Spec)
                .Where(disk => disk.Record.Base is { } below && active.GetValueOrDefault(below.Disk) == below.Layer)
                .Select(disk => disk.Record.Name).Order(StringComparer.Ordinal),
        ];
        return DiskUse.RefuseForClones($"Template '{vm.Record.Name}'", clones);
    }
}
