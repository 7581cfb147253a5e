using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Pools;

namespace Lamina.Server.Copies;

/// <summary><c>/v1/disks/{disk}/move</c></summary>
internal sealed class MoveEndpoints(OperationRequests operations)
{
    public void Map(ApiRoutes api) => api
        .Post("/v1/disks/{disk}/move", Permission.Operate, "Moves a disk to another pool, also while its VM runs", MoveAsync)
        .Takes(ApiJson.Default.DiskMove).Begins().Idempotent()
        .Problems("disk.notFound", "disk.busy", "disk.samePool", "disk.hasClones", "disk.hasSnapshots", "disk.readOnly");

    private async ValueTask<ApiAnswer> MoveAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.DiskMove);
        var snapshot = request.Snapshot;
        var disk = snapshot.Find(Keys.Disks.Spec, "disk", request.Project, request.Route("disk"));
        request.RequireMatch(disk);
        DiskEndpoints.RequireIdle(snapshot, disk);
        var problems = new InputProblems();
        var pool = DiskCreation.FindPool(body.Pool, snapshot, problems);
        if (pool is not null && pool.Id != disk.Record.Pool) DiskCreation.CheckProvision(pool, disk.Record.SizeBytes, snapshot, problems, "$.pool");
        problems.ThrowIfAny();
        if (MoveRules.Refuse(snapshot, disk, pool!.Id) is { } refusal) throw refusal;
        if (DiskMoves.Of(snapshot, disk.Id) is { } other)
            throw ProblemException.Conflict("disk.busy", $"Disk {disk.Record.Name} is being moved already.", $"Follow it: lamina operation show {other}.");
        if (HasProcess(snapshot, disk.Record) && MoveRules.RefuseRunning(snapshot, disk) is { } refusedNow) throw refusedNow;

        var target = DiskEndpoints.ReferenceTo(disk);
        var change = new StoreChange(DiskMoves.Kind).Require(Keys.Disks.Spec[disk.Id], disk.ModRevision).Require(Keys.Pools.Spec[pool.Id], pool.ModRevision);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = DiskMoves.Kind,
            Target = target,
            Project = disk.Record.Project,
            RequestedBy = request.Caller.Subject,
            Parameters = new JsonObject { [DiskMoves.FromParameter] = disk.Record.Pool, [DiskMoves.ToParameter] = pool.Id },
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private static bool HasProcess(CacheSnapshot snapshot, DiskSpec disk) =>
        disk.Vm is { } vm && snapshot.Get(Keys.Vms.Status, vm)?.Record.State is { } state and not (VmState.Stopped or VmState.Suspended);
}
