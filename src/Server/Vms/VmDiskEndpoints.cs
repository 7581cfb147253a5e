using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms;

/// <summary><c>/v1/vms/{vm}/disks</c>: disks of a VM are added, grown, limited and taken out, also while it runs.</summary>
internal sealed class VmDiskEndpoints(OperationRequests operations, EventLog events, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/disks", Permission.Operate, "Adds a disk to a VM: a new one, or one that belongs to no VM", AddAsync)
            .Takes(ApiJson.Default.VmDiskAdd).Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.suspended", "disk.attached", "disk.busy");
        api.Patch("/v1/vms/{vm}/disks/{slot}", Permission.Operate, "Grows or limits a disk of a VM, by its slot, name or id", UpdateAsync)
            .Takes(ApiJson.Default.VmDiskUpdate).Begins().Problems("vm.notFound", "disk.notFound", "vm.deleting", "vm.suspended", "etag.mismatch");
        api.Delete("/v1/vms/{vm}/disks/{slot}", Permission.Operate, "Takes a disk out of a VM, by its slot, name or id; the disk stays", DetachAsync)
            .Query("delete", "true: the disk is deleted once the guest has let go of it.")
            .Begins().Idempotent().Problems("vm.notFound", "disk.notFound", "vm.deleting", "vm.suspended", "disk.protected", "disk.hasClones", "disk.hasSnapshots");
    }

    private async ValueTask<ApiAnswer> AddAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var body = await request.DraftAsync(ApiJson.Default.VmDiskAdd);
        if (begun.FreeSlot("disks", begun.Spec.Disks.Select(disk => disk.Slot), VmDiskRules.MostDisks) is not { } slot)
            throw ProblemException.Conflict("vm.tooManyDisks", $"VM '{begun.Spec.Name}' has {VmDiskRules.MostDisks} disks, which is the most.", "Detach one first.");
        var limits = VmBounds.Normalize(body.Limits);
        VmBounds.CheckDiskLimits(limits, "$.limits", begun.Problems);
        var attachment = body.Disk is null ? New(begun, body, slot) : Existing(begun, body, slot);
        begun.Problems.ThrowIfAny();
        int usual = VmMediaRules.FirstDiskBootIndex + slot;
        var disk = attachment! with { ReadOnly = body.ReadOnly == true, Limits = limits, BootIndex = VmBootOrder.FreePlace(begun.Spec, usual) };
        var operation = begun.Ask(operations, [VmDifferences.PathOf("disks", slot)]);
        return await begun.CommitAsync(begun.Spec with { Disks = [.. begun.Spec.Disks.Append(disk).OrderBy(other => other.Slot)] }, operation);
    }

    private VmDisk? New(VmDeviceChange begun, VmDiskAdd body, int slot)
    {
        if (VmDiskRules.ResolveAdded(begun.Spec, begun.Vm.Id, body, slot, begun.Lookups, time.GetUtcNow(), begun.Problems) is not { } resolved) return null;
        var (id, spec) = (resolved.Draft.Id, resolved.Draft.Spec);
        begun.Change.Create(Keys.Disks.Spec, id, spec)
            .Create(Keys.Names, Keys.NameId(spec.Project, "disk", spec.Name), new Claim { Owner = id })
            .RequireExists(Keys.Pools.Spec[spec.Pool]);
        if (spec.Image is { } image && begun.Request.Snapshot.Get(Keys.Images.Spec, image) is { } record) begun.Change.Require(Keys.Images.Spec[image], record.ModRevision);
        return resolved.Attachment;
    }

    private static VmDisk? Existing(VmDeviceChange begun, VmDiskAdd body, int slot)
    {
        if (body.SizeBytes is not null || body.Image is not null || body.Pool is not null || body.Format is not null)
            begun.Problems.Add("$.disk", "disk.newAndOld", "A disk that is there has its size, image, pool and format: name it alone, or leave it out for a new one.");
        var disk = begun.Request.Snapshot.Find(Keys.Disks.Spec, "disk", begun.Spec.Project, body.Disk!);
        DiskEndpoints.RequireIdle(begun.Request.Snapshot, disk);
        if (disk.Record.Vm is { } owner)
        {
            string name = begun.Request.Snapshot.Get(Keys.Vms.Spec, owner)?.Record.Name ?? owner;
            throw ProblemException.Conflict("disk.attached", $"Disk {disk.Record.Name} belongs to VM '{name}'.", $"Take it out there first: lamina vm disk detach {name} {disk.Record.Name}. If that is done, its guest has not let go of it yet.");
        }

        if (body.Bus == DiskBus.Sata && slot >= VmDiskRules.SataSlots(new VmCreate { Name = begun.Spec.Name, Floppy = begun.Spec.Floppy }))
            begun.Problems.Add("$.bus", "disk.sataSlot", "Its slot has no place on the SATA bus: choose virtio or scsi.");
        begun.Change.Update(Keys.Disks.Spec, disk.Id, disk.Record with { Vm = begun.Vm.Id }, disk.ModRevision);
        return new VmDisk { Slot = slot, Disk = disk.Id, Bus = body.Bus ?? DiskBus.Virtio };
    }

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var (attachment, disk) = begun.DiskNamed(request.Route("slot"));
        var known = new VmDiskUpdate { SizeBytes = disk.Record.SizeBytes, Limits = attachment.Limits, Protected = disk.Record.Protected };
        var update = await request.PatchAsync(known, ApiJson.Default.VmDiskUpdate);
        long size = update.SizeBytes ?? disk.Record.SizeBytes;
        if (size < disk.Record.SizeBytes)
            begun.Problems.Add("$.sizeBytes", "disk.shrink", $"Disk {disk.Record.Name} has {Sizes.Format(disk.Record.SizeBytes)}, and disks only grow: what lies at the end would be lost.");
        else if (size > DiskRules.MaxSizeBytes || size % DiskRules.SizeUnitBytes != 0)
            begun.Problems.Add("$.sizeBytes", "disk.sizeRange", $"A disk's size is a multiple of {DiskRules.SizeUnitBytes} bytes, at most {Sizes.Format(DiskRules.MaxSizeBytes)}.");
        var limits = VmBounds.Normalize(update.Limits);
        VmBounds.CheckDiskLimits(limits, "$.limits", begun.Problems);
        begun.Problems.ThrowIfAny();
        var changed = disk.Record with { SizeBytes = size, Protected = update.Protected == true };
        if (changed != disk.Record) begun.Change.Update(Keys.Disks.Spec, disk.Id, changed, disk.ModRevision);
        var spec = limits == attachment.Limits ? begun.Spec : begun.Spec with
        {
            Disks = [.. begun.Spec.Disks.Select(other => other.Slot == attachment.Slot ? other with { Limits = limits } : other)],
        };
        Tell(begun, disk, size != disk.Record.SizeBytes ? $"was given {Sizes.Format(size)}" : "was changed");
        return await begun.CommitAsync(spec, begun.Ask(operations, [VmDifferences.PathOf("disks", attachment.Slot)]));
    }

    private async ValueTask<ApiAnswer> DetachAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var (attachment, disk) = begun.DiskNamed(request.Route("slot"));
        bool deletes = request.QueryFlag("delete");
        if (deletes) RequireDeletable(request, begun, attachment, disk);
        var operation = begun.Ask(operations, [VmDifferences.PathOf("disks", attachment.Slot)]);
        // It belongs to the VM until its guest has let go of it: nobody else may have it before.
        begun.Change.Update(Keys.Disks.Spec, disk.Id, disk.Record with { Deleting = deletes ? operation.Id : null }, disk.ModRevision);
        Tell(begun, disk, deletes ? $"of VM '{begun.Spec.Name}' is taken out and deleted" : $"is taken out of VM '{begun.Spec.Name}'");
        return await begun.CommitAsync(begun.Spec with { Disks = [.. begun.Spec.Disks.Where(other => other.Slot != attachment.Slot)] }, operation);
    }

    private static void RequireDeletable(ApiRequest request, VmDeviceChange begun, VmDisk attachment, CachedRecord<DiskSpec> disk)
    {
        if (disk.Record.Protected) throw ProblemException.Conflict(
            "disk.protected", $"Disk {disk.Record.Name} is protected from deletion.", $"Take the protection off first: lamina vm disk set {begun.Spec.Name} {attachment.Slot} --protected false.");
        if (DiskUse.RefuseForClones($"Disk {disk.Record.Name}", DiskUse.ClonesOf(request.Snapshot, disk.Id)) is { } needed) throw needed;
        if (DiskUse.RefuseForSnapshots($"Disk {disk.Record.Name}", DiskUse.SnapshotsOf(request.Snapshot, disk.Id)) is { } held) throw held;
    }

    private void Tell(VmDeviceChange begun, CachedRecord<DiskSpec> disk, string what) => events.Add(begun.Change, new EventDraft
    {
        Kind = "disk.changed", Message = $"Disk {disk.Record.Name} {what}.", Target = DiskEndpoints.ReferenceTo(disk), Project = disk.Record.Project,
    });
}
