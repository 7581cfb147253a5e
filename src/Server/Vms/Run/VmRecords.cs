using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms.Run;

/// <summary>All keys of a VM: written together when it is created, removed together when it is deleted. Never more than 100 operations.</summary>
internal static class VmRecords
{
    public static void Create(StoreChange change, VmDraft draft, CacheSnapshot snapshot)
    {
        Claim(change, draft);
        Write(change, draft, snapshot);
    }

    /// <summary>Takes what only one may have: names, MACs, addresses.</summary>
    /// <returns>The keys.</returns>
    public static IReadOnlyList<string> Claim(StoreChange change, VmDraft draft)
    {
        var spec = draft.Spec;
        var keys = new List<string>();
        Take(Keys.Names, Keys.NameId(spec.Project, "vm", spec.Name), draft.Id);
        foreach (var disk in draft.Disks) Take(Keys.Names, Keys.NameId(spec.Project, "disk", disk.Spec.Name), disk.Id);
        foreach (var nic in spec.Nics)
        {
            Take(Keys.Macs, nic.Mac, draft.Id);
            if (AddressKey(nic) is { } address) Take(Keys.Addresses, address, draft.Id);
        }

        return keys;

        void Take(RecordKind<Claim> kind, string id, string owner)
        {
            change.Create(kind, id, new Claim { Owner = owner });
            keys.Add(kind[id]);
        }
    }

    /// <summary>Writes the specs of VM and disks, whose names and addresses are taken.</summary>
    public static void Write(StoreChange change, VmDraft draft, CacheSnapshot snapshot)
    {
        change.Create(Keys.Vms.Spec, draft.Id, draft.Spec);
        foreach (var disk in draft.Disks) change.Create(Keys.Disks.Spec, disk.Id, disk.Spec);
        RequireParts(change, draft, snapshot);
    }

    /// <summary>Takes all of it away, and tells of it.</summary>
    public static StoreChange Remove(CachedRecord<VmSpec> vm, CacheSnapshot snapshot, EventLog events)
    {
        var spec = vm.Record;
        var change = new StoreChange("vm.remove")
            .Require(Keys.Vms.Spec[vm.Id], vm.ModRevision)
            .DeletePrefix(Keys.Vms.All(vm.Id))
            .Delete(Keys.Names[Keys.NameId(spec.Project, "vm", spec.Name)]);
        foreach (var disk in spec.Disks)
        {
            var record = snapshot.Get(Keys.Disks.Spec, disk.Disk);
            if (spec.KeepDisks && record is not null && snapshot.Get(Keys.Disks.Status, disk.Disk) is not null)
            {
                change.Update(Keys.Disks.Spec, disk.Disk, record.Record with { Vm = null }, record.ModRevision);
                continue;
            }

            change.DeletePrefix(Keys.Disks.All(disk.Disk));
            if (record is not null) change.Delete(Keys.Names[Keys.NameId(spec.Project, "disk", record.Record.Name)]);
        }

        foreach (var network in snapshot.All(Keys.Networks.Spec).Where(network => network.Record.Forwards.Any(forward => forward.Vm == vm.Id)))
        {
            var without = network.Record with { Forwards = [.. network.Record.Forwards.Where(forward => forward.Vm != vm.Id)] };
            change.Update(Keys.Networks.Spec, network.Id, without, network.ModRevision);
        }

        foreach (var kept in snapshot.All(Keys.Snapshots.Spec).Where(kept => kept.Record.Vm == vm.Id))
        {
            change.DeletePrefix(Keys.Snapshots.All(kept.Id)).Delete(Keys.Names[Keys.Snapshots.NameId(spec.Project, vm.Id, kept.Record.Name)]);
        }

        foreach (var nic in spec.Nics)
        {
            change.Delete(Keys.Macs[nic.Mac]);
            if (AddressKey(nic) is { } address) change.Delete(Keys.Addresses[address]);
        }

        foreach (string secret in new[] { spec.CloudInit?.Secret, spec.Tpm?.Secret }.OfType<string>()) change.Delete(Keys.Secrets[secret]);
        events.Add(change, new EventDraft
        {
            Kind = "vm.deleted",
            Message = $"VM '{spec.Name}' was deleted.",
            Target = new ObjectReference { Kind = "vm", Id = vm.Id, Name = spec.Name },
            Project = spec.Project,
            Operation = spec.Deleting,
        });
        return change;
    }

    /// <summary>
    /// What the VM stands on must be as the rules saw it: an image or medium whose deletion begins at this moment has another revision, so
    /// either the deletion sees this VM, or the VM is decided anew.
    /// </summary>
    private static void RequireParts(StoreChange change, VmDraft draft, CacheSnapshot snapshot)
    {
        foreach (string image in draft.Disks.Select(disk => disk.Spec.Image).OfType<string>().Distinct()) Require(change, Keys.Images.Spec, image, snapshot);
        foreach (string pool in draft.Disks.Select(disk => disk.Spec.Pool).Distinct()) Require(change, Keys.Pools.Spec, pool, snapshot);
        foreach (string iso in MediaOf(draft.Spec)) Require(change, Keys.Isos.Spec, iso, snapshot);
        foreach (string network in draft.Spec.Nics.Select(nic => nic.Network).OfType<string>().Distinct()) Require(change, Keys.Networks.Spec, network, snapshot);
        foreach (string group in draft.Spec.Nics.SelectMany(nic => nic.FirewallGroups).Distinct()) Require(change, Keys.FirewallGroups, group, snapshot);
    }

    private static void Require<T>(StoreChange change, RecordKind<T> kind, string id, CacheSnapshot snapshot)
        where T : StoredRecord
    {
        if (snapshot.Get(kind, id) is { } part) change.Require(kind[id], part.ModRevision);
        else change.RequireExists(kind[id]);
    }

    public static IEnumerable<string> MediaOf(VmSpec spec) => spec.Cdroms.Select(cdrom => cdrom.Iso)
        .Append(spec.Floppy).Append(spec.Kernel?.Kernel).Append(spec.Kernel?.Initrd).OfType<string>().Distinct();

    /// <summary>Null: the card has no address of its own to keep.</summary>
    public static string? AddressKey(VmNic nic) => nic is { Network: { } network, Address: { } address } ? Keys.AddressId(network, address) : null;
}
