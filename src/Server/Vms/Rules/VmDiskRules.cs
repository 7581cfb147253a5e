using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Pools;

namespace Lamina.Server.Vms.Rules;

/// <summary>A disk of a request with what it was resolved to.</summary>
internal sealed record ResolvedDisk(VmDisk Attachment, DiskDraft Draft, Image? Image);

/// <summary>The disks of a new VM (pure): pools, images, sizes, slots.</summary>
internal static class VmDiskRules
{
    /// <summary>The layout has so many addresses for virtio disks; slots are unique over both buses.</summary>
    public const int MostDisks = 16;

    /// <summary>Disks, and as many CD-ROMs, that the machine's own controller takes: the slots from 0 on.</summary>
    public static int SataSlots(VmCreate create) => create.Floppy is null ? 3 : 2;

    /// <summary>Adds every problem; the result counts only when there is none.</summary>
    public static IReadOnlyList<ResolvedDisk> Resolve(VmCreate create, string vmId, VmLookups lookups, DateTimeOffset now, InputProblems problems)
    {
        var asked = Asked(create, problems);
        if (asked.Count > MostDisks) problems.Add("$.disks", "vm.tooManyDisks", $"A VM has at most {MostDisks} disks; these are {asked.Count}.");
        var resolved = new List<ResolvedDisk>();
        for (int slot = 0; slot < asked.Count; slot++)
        {
            string path = create.Disks is { Count: > 0 } ? $"$.disks[{slot}]" : "$";
            if (ResolveOne(create, asked[slot], slot, path, vmId, lookups, now, problems) is { } disk) resolved.Add(disk);
        }

        return resolved;
    }

    /// <summary>The disks with the VM's image put into the first one.</summary>
    private static IReadOnlyList<VmDiskCreate> Asked(VmCreate create, InputProblems problems)
    {
        var disks = create.Disks ?? [];
        if (create.Image is not { } image) return disks;
        if (disks.Count == 0) return [new VmDiskCreate { Image = image }];
        if (disks[0].Image is { } own && own != image)
            problems.Add("$.disks[0].image", "vm.imageTwice", $"The first disk is made from '{image}' by $.image and from '{own}' here: name one of them.");
        return [disks[0] with { Image = disks[0].Image ?? image }, .. disks.Skip(1)];
    }

    /// <summary>A disk that is added to a VM that is there; null: there were problems.</summary>
    public static ResolvedDisk? ResolveAdded(VmSpec vm, string vmId, VmDiskAdd asked, int slot, VmLookups lookups, DateTimeOffset now, InputProblems problems)
    {
        var create = new VmCreate { Name = vm.Name, Floppy = vm.Floppy };
        var disk = new VmDiskCreate { SizeBytes = asked.SizeBytes, Image = asked.Image, Pool = asked.Pool, Bus = asked.Bus, Format = asked.Format };
        return ResolveOne(create, disk, slot, "$", vmId, lookups, now, problems);
    }

    private static ResolvedDisk? ResolveOne(
        VmCreate create, VmDiskCreate asked, int slot, string path, string vmId, VmLookups lookups, DateTimeOffset now, InputProblems problems)
    {
        int before = problems.Found.Count;
        var image = FindImage(asked, path, lookups, problems);
        var pool = FindPool(asked, image, path, lookups, problems);
        bool imageMissing = asked.Image is not null && image is null;
        if (!imageMissing)
        {
            foreach (var problem in DiskRules.Check(asked, image, path)) problems.Add(problem.Path, problem.Code, problem.Message);
        }

        if (asked.Bus == DiskBus.Sata && slot >= SataSlots(create))
            problems.Add(path + ".bus", "disk.sataSlot", $"Only the first {SataSlots(create)} disks can be on the SATA bus: choose virtio or scsi for this one.");
        if (problems.Found.Count > before || pool is null) return null;
        string id = Guid.CreateVersion7(now).ToString();
        var spec = new DiskSpec
        {
            Name = NameOf(create.Name, slot, id, lookups),
            Project = lookups.Project,
            CreatedAt = now,
            Pool = pool.Id,
            AnyPool = asked.Pool is null && pool.Record.Scope == PoolScope.Host && !lookups.HasHost,
            SizeBytes = DiskRules.Size(asked, image),
            Format = asked.Format ?? DiskFormat.Qcow2,
            Image = image?.Id,
            Vm = vmId,
        };
        var attachment = new VmDisk { Slot = slot, Disk = id, Bus = asked.Bus ?? DiskBus.Virtio, BootIndex = VmMediaRules.FirstDiskBootIndex + slot };
        return new ResolvedDisk(attachment, new DiskDraft(id, spec), image);
    }

    private static Image? FindImage(VmDiskCreate asked, string path, VmLookups lookups, InputProblems problems)
    {
        if (asked.Image is not { } name) return null;
        if (lookups.FindImage(name) is not { } image)
        {
            problems.Add(path + ".image", "image.notFound", $"There is no image '{Suggestions.Shorten(name)}' in project '{lookups.Project}': 'lamina image list' shows those there are, 'lamina image catalogue' those that can be pulled.");
            return null;
        }

        if (DiskRules.CheckImage(image, path + ".image") is { } unfit) problems.Add(unfit.Path, unfit.Code, unfit.Message);
        return image;
    }

    /// <summary>A thin clone's base lies in its own pool: of an image on another host, a copy is brought there.</summary>
    private static CachedRecord<PoolSpec>? FindPool(VmDiskCreate asked, Image? image, string path, VmLookups lookups, InputProblems problems)
    {
        var beside = image is null ? null : lookups.FindPool(image.Spec.Pool);
        if (lookups.HasHost && beside is not null && !PoolHosts.Reaches(lookups.Snapshot, beside, lookups.HostId)) beside = null;
        var pool = asked.Pool is { } named ? lookups.FindPool(named) : beside ?? lookups.DefaultPool;
        if (pool is null)
        {
            problems.Add(path + ".pool", "pool.notFound", $"There is no pool '{Suggestions.Shorten(asked.Pool ?? HostPools.DefaultName)}': 'lamina pool list' shows those there are.");
            return null;
        }

        if (lookups.HasHost && !PoolHosts.Reaches(lookups.Snapshot, pool, lookups.HostId))
            problems.Add(path + ".pool", "pool.otherHost", $"The VM's host does not reach pool {pool.Record.Name}: name one of that host or a shared one.");
        else if (image is not null && !DiskCreation.MayTakeImage(lookups.Snapshot, pool, image.Spec))
            problems.Add(path + ".pool", "disk.otherPool", $"Image {image.Name} lies in another pool, and a thin clone lies beside its image: leave the pool out.");
        return pool;
    }

    /// <summary><c>web1-disk0</c>; a VM of that name that was renamed since may have left its disk's name behind.</summary>
    internal static string NameOf(string vmName, int slot, string diskId, VmLookups lookups)
    {
        string end = $"-disk{slot}";
        string name = Shorten(vmName, end.Length) + end;
        if (!lookups.IsNameTaken("disk", name)) return name;
        string unique = end + "-" + diskId[^6..];
        return Shorten(vmName, unique.Length) + unique;
    }

    private static string Shorten(string vmName, int spare) => vmName[..Math.Min(vmName.Length, Names.LabelLength - spare)];
}
