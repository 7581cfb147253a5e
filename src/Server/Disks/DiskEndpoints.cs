using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Disks;

/// <summary><c>/v1/disks</c>: which disks there are, what they may take and what they take. They are made and deleted with their VMs.</summary>
internal static class DiskEndpoints
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Disk>(
        "disks", [Keys.Disks.Spec, Keys.Disks.Status], (snapshot, id) => snapshot.Get(Keys.Disks.Spec, id) is { } spec ? View(snapshot, spec) : null, disk => disk.Project, ApiJson.Default.Disk);

    public static void Map(ApiRoutes api)
    {
        api.Get("/v1/disks", Permission.View, "Lists disks", List).Paged().Filtered("name", "vm", "image").Answers(ApiJson.Default.PageDisk);
        api.Get("/v1/disks/{disk}", Permission.View, "Shows a disk", Show).Answers(ApiJson.Default.Disk).Problems("disk.notFound");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Disks.Spec)
            .Where(spec => request.Shows(spec.Record.Project)
                && request.Passes("name", spec.Record.Name) && request.Passes("vm", spec.Record.Vm) && request.Passes("image", spec.Record.Image))
            .Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, disk => $"{disk.Name} {disk.Id}"), ApiJson.Default.PageDisk);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.Find(Keys.Disks.Spec, "disk", request.Project, request.Route("disk"));
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Disk, spec);
    }

    private static Disk View(CacheSnapshot snapshot, CachedRecord<DiskSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Disks.Status, spec.Id)?.Record,
    };
}
