using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Pools;

namespace Lamina.Server.Disks;

/// <summary>A disk of its own that the rules have passed, with what it stands on.</summary>
internal sealed record FreeDisk(DiskSpec Spec, CachedRecord<PoolSpec> Pool, CachedRecord<ImageSpec>? Image);

/// <summary>What may be asked of disks as nouns of their own (pure): names, pools, images, bounds.</summary>
internal static class DiskCreation
{
    /// <summary>Null after adding every problem.</summary>
    public static FreeDisk? Resolve(DiskCreate create, string project, CacheSnapshot snapshot, string hostId, InputProblems problems)
    {
        int before = problems.Found.Count;
        CheckName(create.Name, null, project, snapshot, problems);
        CheckNotes(create.Notes, problems);
        var image = FindImage(create.Image, project, snapshot, problems);
        var pool = FindPool(create.Pool, image, snapshot, hostId, problems);
        var asked = new VmDiskCreate { SizeBytes = create.SizeBytes, Image = create.Image, Pool = create.Pool, Format = create.Format };
        var shown = image is null ? null : ImageEndpoints.View(snapshot, image);
        if (create.Image is null || image is not null)
        {
            foreach (var problem in DiskRules.Check(asked, shown, "$")) problems.Add(problem.Path, problem.Code, problem.Message);
        }

        if (problems.Found.Count > before) return null;
        long size = DiskRules.Size(asked, shown);
        CheckProvision(pool!, size, snapshot, problems);
        return new FreeDisk(
            new DiskSpec
            {
                Name = create.Name,
                Project = project,
                Pool = pool!.Id,
                SizeBytes = size,
                Format = create.Format ?? DiskFormat.Qcow2,
                Image = image?.Id,
                Notes = create.Notes,
            },
            pool,
            image);
    }

    public static void CheckUpdate(DiskSpec disk, DiskUpdate update, CacheSnapshot snapshot, InputProblems problems)
    {
        CheckName(update.Name, disk.Name, disk.Project, snapshot, problems);
        CheckNotes(update.Notes, problems);
        if (update.SizeBytes is not { } size || size == disk.SizeBytes) return;
        if (DiskRules.CheckGrow(disk, size, "$.sizeBytes") is { } problem) problems.Add(problem.Path, problem.Code, problem.Message);
        else if (snapshot.Get(Keys.Pools.Spec, disk.Pool) is { } pool) CheckProvision(pool, size - disk.SizeBytes, snapshot, problems);
    }

    /// <summary>Whether the pool may promise so much more to guests.</summary>
    public static void CheckProvision(CachedRecord<PoolSpec> pool, long moreBytes, CacheSnapshot snapshot, InputProblems problems, string path = "$.sizeBytes")
    {
        long total = snapshot.Get(Keys.Pools.Status, pool.Id)?.Record.TotalBytes ?? 0;
        if (PoolRules.RefuseProvision(pool.Record.Name, pool.Record.OverProvisionPercent, total, PoolContent.ProvisionedBytes(snapshot, pool.Id), moreBytes) is { } refusal)
            problems.Add(path, "pool.overProvisioned", refusal);
    }

    /// <summary>The pool, when disks may be put there; null after adding the problem.</summary>
    public static CachedRecord<PoolSpec>? FindPool(string name, CacheSnapshot snapshot, InputProblems problems, string path = "$.pool")
    {
        if (snapshot.TryFindInstalled(Keys.Pools.Spec, "pool", name) is not { } pool)
        {
            problems.Add(path, "pool.notFound", $"There is no pool '{Suggestions.Shorten(name)}': 'lamina pool list' shows those there are.");
            return null;
        }

        if (pool.Record.Deleting is null) return pool;
        problems.Add(path, "pool.deleting", $"Pool {pool.Record.Name} is being deleted: name another one.");
        return null;
    }

    private static CachedRecord<ImageSpec>? FindImage(string? name, string project, CacheSnapshot snapshot, InputProblems problems)
    {
        if (name is null) return null;
        if (snapshot.TryFind(Keys.Images.Spec, "image", project, name) is not { } image)
        {
            problems.Add("$.image", "image.notFound", $"There is no image '{Suggestions.Shorten(name)}' in project '{project}': 'lamina image list' shows those there are.");
            return null;
        }

        if (DiskRules.CheckImage(ImageEndpoints.View(snapshot, image), "$.image") is { } unfit) problems.Add(unfit.Path, unfit.Code, unfit.Message);
        return image;
    }

    /// <summary>A thin clone's base lies in its own pool: of an image on another host, a copy is brought there.</summary>
    private static CachedRecord<PoolSpec>? FindPool(string? name, CachedRecord<ImageSpec>? image, CacheSnapshot snapshot, string hostId, InputProblems problems)
    {
        string wanted = name ?? image?.Record.Pool ?? PoolHosts.DefaultOf(snapshot, hostId)?.Id ?? HostPools.DefaultName;
        var pool = FindPool(wanted, snapshot, problems);
        if (pool is not null && image is not null && !MayTakeImage(snapshot, pool, image.Record))
            problems.Add("$.pool", "disk.otherPool", $"Image {image.Record.Name} lies in another pool, and a thin clone lies beside its image: leave the pool out.");
        return pool;
    }

    /// <summary>Whether disks in a pool can be thin clones of an image: it lies there, or on another host, from which it is copied once.</summary>
    public static bool MayTakeImage(CacheSnapshot snapshot, CachedRecord<PoolSpec> pool, ImageSpec image) => image.Pool == pool.Id
        || (snapshot.Get(Keys.Pools.Spec, image.Pool) is { } home && (home.Record.Scope != pool.Record.Scope || home.Record.Host != pool.Record.Host));

    private static void CheckName(string? name, string? present, string project, CacheSnapshot snapshot, InputProblems problems)
    {
        Names.CheckLabel(name, "$.name", problems);
        if (name is not null && name != present && snapshot.Get(Keys.Names, Keys.NameId(project, "disk", name)) is not null)
            problems.Add("$.name", "name.taken", $"Project '{project}' already has a disk '{name}': choose another name.");
    }

    private static void CheckNotes(string? notes, InputProblems problems)
    {
        if (notes?.Length > DiskRules.NotesLength) problems.Add("$.notes", "value.long", $"Notes have at most {DiskRules.NotesLength} characters; these have {notes.Length}.");
    }
}
