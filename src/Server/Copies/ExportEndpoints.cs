using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Operations;
using Lamina.Server.Vms;
using Microsoft.Net.Http.Headers;

namespace Lamina.Server.Copies;

/// <summary><c>/v1/vms/{vm}/export</c>, <c>/v1/exports</c> and <c>/v1/vms/{vm}/image</c>: what VMs' disks hold, as files and as images.</summary>
internal sealed class ExportEndpoints(OperationRequests operations, HostExports exports, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/export", Permission.Operate, "Writes a VM's disk as a file, to be fetched at /v1/exports/{operation}", ExportAsync)
            .Takes(ApiJson.Default.VmExport, optional: true).Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.running", "snapshot.notFound");
        api.Raw(HttpMethods.Get, "/v1/exports/{operation}", Permission.SignedIn, "Gives an exported file, or the part of it that Range names", FetchAsync)
            .OnHost(HostOf).AnswersMedia("application/octet-stream").Problems("export.notFound");
        api.Delete("/v1/exports/{operation}", Permission.SignedIn, "Removes an exported file", request =>
            {
                Find(request);
                exports.Delete(request.Route("operation"));
                return ValueTask.FromResult(ApiAnswer.NoContent());
            })
            .OnHost(HostOf).AnswersNothing().Problems("export.notFound");
        api.Post("/v1/vms/{vm}/image", Permission.Operate, "Makes an image from a VM's disk", CaptureAsync)
            .Takes(ApiJson.Default.VmCapture).Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.running", "name.taken", "snapshot.notFound");
    }

    private async ValueTask<ApiAnswer> ExportAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.VmExport);
        var problems = new InputProblems();
        var vm = FindVm(request);
        var (point, disk) = FindDisk(request.Snapshot, vm, body.Snapshot, body.Disk, problems);
        if (body.Compress && body.Format is not (ExportFormat.Qcow2 or ExportFormat.Vmdk))
            problems.Add("$.compress", "export.compress", $"Only qcow2 can be compressed on demand (vmdk always is); {body.Format.ToString().ToLowerInvariant()} cannot: leave it out.");
        problems.ThrowIfAny();
        var change = new StoreChange(HostExports.Export).RequireExists(Keys.Vms.Spec[vm.Id]);
        var target = VmViews.ReferenceTo(vm);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = HostExports.Export,
            Target = target,
            Project = vm.Record.Project,
            RequestedBy = request.Caller.Subject,
            Host = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
            Parameters = new JsonObject
            {
                [HostExports.DiskParameter] = disk,
                [HostExports.SnapshotParameter] = point?.Snapshot,
                [HostExports.FormatParameter] = body.Format.ToString(),
                [HostExports.CompressParameter] = body.Compress,
            },
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async ValueTask<ApiAnswer> CaptureAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.VmCapture);
        var problems = new InputProblems();
        var vm = FindVm(request);
        string project = vm.Record.Project;
        Names.CheckImageName(body.Name, "$.name", problems);
        var (point, disk) = FindDisk(request.Snapshot, vm, body.Snapshot, body.Disk, problems);
        string place = body.Pool ?? (disk is null ? null : request.Snapshot.Get(Keys.Disks.Spec, disk)?.Record.Pool) ?? Pools.PoolHosts.DefaultOf(request.Snapshot, request.HostId)?.Id ?? Pools.HostPools.DefaultName;
        var pool = DiskCreation.FindPool(place, request.Snapshot, problems);
        problems.ThrowIfAny();
        var target = new ObjectReference { Kind = "image", Id = Guid.CreateVersion7(time.GetUtcNow()).ToString(), Name = body.Name };
        var change = new StoreChange(HostCaptures.Capture).RequireExists(Keys.Vms.Spec[vm.Id]);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = HostCaptures.Capture,
            Target = target,
            Project = project,
            RequestedBy = request.Caller.Subject,
            Host = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
            Parameters = new JsonObject { [HostExports.VmParameter] = vm.Id, [HostExports.DiskParameter] = disk, [HostExports.SnapshotParameter] = point?.Snapshot },
        });
        change.Create(Keys.Names, Keys.NameId(project, "image", body.Name), new Claim { Owner = target.Id })
            .Create(Keys.Images.Spec, target.Id, new ImageSpec
            {
                Name = body.Name,
                Project = project,
                CreatedAt = time.GetUtcNow(),
                Pool = pool!.Id,
                Origin = ImageOrigin.Vm,
                CloudInit = body.CloudInit ?? vm.Record.CloudInit is not null,
                Making = operation.Id,
            })
            .Require(Keys.Pools.Spec[pool.Id], pool.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    /// <summary>The host that has carried the export out has its file.</summary>
    private static string? HostOf(ApiRequest request) => request.Snapshot.Get(Keys.Operations.Request, request.Route("operation"))?.Record.Host;

    private async Task FetchAsync(ApiRequest request)
    {
        var export = Find(request);
        var response = request.Http.Response;
        long length = new FileInfo(export.Path).Length;
        var (offset, count) = RangeOf(request.Http.Request.Headers.Range.ToString(), length);
        response.StatusCode = count == length ? StatusCodes.Status200OK : StatusCodes.Status206PartialContent;
        response.ContentType = "application/octet-stream";
        response.Headers.AcceptRanges = "bytes";
        response.Headers.ETag = $"\"{request.Route("operation")}\"";
        if (count < length) response.Headers.ContentRange = new ContentRangeHeaderValue(offset, length - 1, length).ToString();
        response.ContentLength = count;
        await response.SendFileAsync(export.Path, offset, count, request.Aborted);
    }

    /// <summary>From where to the end; whatever else a Range may say is answered with the whole file, as RFC 9110 allows (pure).</summary>
    internal static (long Offset, long Count) RangeOf(string range, long length) =>
        RangeHeaderValue.TryParse(range, out var parsed) && parsed is { Unit.Value: "bytes", Ranges: { Count: 1 } ranges }
            && ranges.First() is { From: { } from, To: null } && from < length
            ? (from, length - from)
            : (0, length);

    private ReadyExport Find(ApiRequest request)
    {
        string id = request.Route("operation");
        if (exports.Find(id) is not { } export || !request.Caller.May(Permission.View, export.Project)) throw new ProblemException(
            ProblemKind.NotFound, "export.notFound", $"There is no export '{id}'.", "An export waits for a day, and no longer than its daemon runs: ask for it again.");
        request.Caller.Require(Permission.Operate, export.Project);
        return export;
    }

    private static CachedRecord<VmSpec> FindVm(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        if (vm.Record.Deleting is { } deleting) throw ProblemException.Conflict("vm.deleting", $"VM '{vm.Record.Name}' is being deleted.", $"Follow it: lamina operation show {deleting}.");
        return vm;
    }

    private static (SourcePoint? Point, string? Disk) FindDisk(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, string? name, int? slot, InputProblems problems)
    {
        var point = SourcePoints.Find(snapshot, vm, name, problems);
        if (point is null) return (null, null);
        var disks = point.Spec.Disks;
        var disk = slot is null ? (disks.Count > 0 ? disks[0] : null) : disks.FirstOrDefault(disk => disk.Slot == slot);
        if (disk is null)
        {
            string slots = disks.Count == 0 ? "has no disk" : $"has disks in slots {string.Join(", ", disks.Select(known => known.Slot))}";
            problems.Add("$.disk", "disk.notFound", $"VM '{vm.Record.Name}' {slots}{(slot is null ? "" : $", and none in slot {slot}")}.");
        }

        return (point, disk?.Disk);
    }
}
