using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Copies;

/// <summary>
/// What a clone may be (pure but for the ids and MACs it draws): a request, the source and a snapshot of the state in, a draft or every problem at
/// once out.
/// </summary>
internal static class CloneRules
{
    /// <param name="clone">As asked for.</param>
    /// <param name="source">The VM that is cloned.</param>
    /// <param name="point">The state of the source that is meant.</param>
    /// <param name="lookups">The state that it is checked against.</param>
    /// <param name="now">Becomes the time of creation.</param>
    /// <param name="problems">Gets every problem.</param>
    /// <returns>Null after adding problems.</returns>
    public static CloneDraft? Draft(VmClone clone, CachedRecord<VmSpec> source, SourcePoint point, VmLookups lookups, DateTimeOffset now, InputProblems problems)
    {
        string id = Guid.CreateVersion7(now).ToString();
        VmRules.CheckName(clone.Name, null, lookups, problems);
        CheckFigures(clone, source.Record, lookups, problems);
        if (clone.CloudInit is { } cloudInit)
        {
            foreach (var problem in Isos.CloudInitRules.Check(cloudInit, "$.cloudInit")) problems.Add(problem.Path, problem.Code, problem.Message);
        }

        if (clone.Linked && !source.Record.Template && clone.Snapshot is null)
            problems.Add("$.linked", "clone.notFrozen", $"VM '{source.Record.Name}' goes on writing its disks: make it a template (lamina vm template {source.Record.Name}), name one of its snapshots, or make a full clone.");
        var nics = Nics(point.Spec, lookups, problems);
        var disks = Disks(clone, id, point, lookups, now, problems);
        if (problems.Any) return null;
        return new CloneDraft
        {
            Id = id,
            Spec = SpecOf(clone, id, point.Spec, disks, nics, lookups, now),
            Disks = disks,
            Source = source.Id,
            Snapshot = point.Snapshot,
            Linked = clone.Linked,
            Start = clone.Start,
        };
    }

    private static void CheckFigures(VmClone clone, VmSpec source, VmLookups lookups, InputProblems problems)
    {
        if (clone.Cpus is { } cpus) VmBounds.CheckCpus(cpus, null, problems);
        if (clone.MemoryMiB is { } memory) VmBounds.CheckMemory(memory, source.Firmware, lookups.Hosts, problems);
        VmBounds.CheckWords(clone.Notes, clone.Tags, problems);
    }

    /// <summary>The source's, with all that is bound to it taken away: identity, power, protection, what it is a template of.</summary>
    private static VmSpec SpecOf(
        VmClone clone, string id, VmSpec source, IReadOnlyList<ClonedDisk> disks, IReadOnlyList<VmNic> nics, VmLookups lookups, DateTimeOffset now)
    {
        int cpus = clone.Cpus ?? source.Cpus;
        return source with
        {
            Name = clone.Name,
            Project = lookups.Project,
            CreatedAt = now,
            Cpus = cpus,
            MemoryMiB = clone.MemoryMiB ?? source.MemoryMiB,
            Machine = source.Machine with { MaxCpus = Math.Max(source.Machine.MaxCpus, cpus) },
            Disks = [.. source.Disks.Select((disk, index) => disk with { Disk = disks[index].Id })],
            Nics = nics,
            CloudInit = CloudInitOf(clone, id, source),
            Tpm = source.Tpm is null ? null : new VmTpm { Secret = Guid.CreateVersion7(now).ToString() },
            NvramResets = 0,
            Autostart = source.Autostart is { } autostart ? autostart with { Enabled = false } : null,
            Notes = clone.Notes ?? source.Notes,
            Tags = clone.Tags ?? source.Tags,
            HomePool = disks.Count > 0 ? disks[0].Spec.Pool : source.HomePool,
            Power = new VmPower(),
            Template = false,
            Protected = false,
            Deleting = null,
            KeepDisks = false,
        };
    }

    private static VmCloudInit? CloudInitOf(VmClone clone, string id, VmSpec source) => source.CloudInit is null && clone.CloudInit is null
        ? null
        : new VmCloudInit { Hostname = clone.CloudInit?.Hostname ?? clone.Name, InstanceId = id, Secret = id };

    /// <summary>Each card as the source's, with a MAC and an address of its own.</summary>
    private static IReadOnlyList<VmNic> Nics(VmSpec source, VmLookups lookups, InputProblems problems)
    {
        var asked = source.Nics.Select(nic => new VmNicCreate { Kind = nic.Kind, Network = nic.Network, Model = nic.Model }).ToList();
        int before = problems.Found.Count;
        var fresh = VmNicRules.Resolve(asked, lookups, problems);
        if (problems.Found.Count > before) return [];
        return [.. source.Nics.Zip(fresh, (old, made) => made with
        {
            Slot = old.Slot,
            FirewallGroups = old.FirewallGroups,
            InboundKbps = old.InboundKbps,
            OutboundKbps = old.OutboundKbps,
            Link = old.Link,
            BootIndex = old.BootIndex,
        })];
    }

    private static List<ClonedDisk> Disks(VmClone clone, string vmId, SourcePoint point, VmLookups lookups, DateTimeOffset now, InputProblems problems)
    {
        var named = clone.Pool is { } name ? DiskCreation.FindPool(name, lookups.Snapshot, problems) : null;
        var disks = new List<ClonedDisk>();
        foreach (var attachment in point.Spec.Disks)
        {
            if (lookups.Snapshot.Get(Keys.Disks.Spec, attachment.Disk) is not { } source)
            {
                problems.Add("$", "disk.recordMissing", $"The record of disk {attachment.Disk} of VM '{point.Spec.Name}' is gone: restore the store from a backup.");
                continue;
            }

            string id = Guid.CreateVersion7(now).ToString();
            string? layer = point.LayerOf(attachment.Disk) ?? (clone.Linked ? new DiskLayers(lookups.Snapshot.Get(Keys.Disks.Status, attachment.Disk)?.Record).Active : null);
            string diskName = VmDiskRules.NameOf(clone.Name, attachment.Slot, id, lookups);
            disks.Add(new ClonedDisk(id, DiskOf(clone, source, named?.Id, layer, vmId, now) with { Name = diskName }, attachment.Disk, layer));
        }

        foreach (var pool in disks.GroupBy(disk => disk.Spec.Pool))
        {
            if (lookups.Snapshot.Get(Keys.Pools.Spec, pool.Key) is { } known)
                DiskCreation.CheckProvision(known, pool.Sum(disk => disk.Spec.SizeBytes), lookups.Snapshot, problems, "$.pool");
        }

        return disks;
    }

    /// <summary>In its image's pool a full clone stays a thin clone of that image, which nobody writes; elsewhere it stands alone.</summary>
    private static DiskSpec DiskOf(VmClone clone, CachedRecord<DiskSpec> source, string? pool, string? layer, string vmId, DateTimeOffset now)
    {
        var spec = source.Record;
        string place = pool ?? spec.Pool;
        bool staysThin = !clone.Linked && place == spec.Pool && spec.Base is null;
        return new DiskSpec
        {
            Name = "",
            Project = spec.Project,
            CreatedAt = now,
            Pool = place,
            SizeBytes = spec.SizeBytes,
            Format = clone.Linked ? DiskFormat.Qcow2 : spec.Format,
            Image = staysThin ? spec.Image : null,
            Base = clone.Linked ? new DiskBase { Disk = source.Id, Layer = layer! } : null,
            Vm = vmId,
        };
    }
}
