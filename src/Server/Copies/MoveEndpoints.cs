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
            Host = ExecutorOf(snapshot, disk, pool, request.HostId),
            Parameters = new JsonObject { [DiskMoves.FromParameter] = disk.Record.Pool, [DiskMoves.ToParameter] = pool.Id },
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private static bool HasProcess(CacheSnapshot snapshot, DiskSpec disk) =>
        disk.Vm is { } vm && snapshot.Get(Keys.Vms.Status, vm)?.Record.State is { } state and not (VmState.Stopped or VmState.Suspended);

    /// <summary>The host that reaches both pools; that of the disk's VM, whose it is.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    private static string? ExecutorOf(CacheSnapshot snapshot, CachedRecord<DiskSpec> disk, CachedRecord<PoolSpec> to, string hostId)
    {
        string? owner = disk.Record.Vm is { } vm ? snapshot.Get(Keys.Vms.Assignment, vm)?.Record.Host : null;
        var from = snapshot.Get(Keys.Pools.Spec, disk.Record.Pool);
        string? chosen = owner ?? (from is null ? null : PoolHosts.ExecutorOf(snapshot, from.Record.Scope == PoolScope.Shared ? to : from, hostId));
        if (chosen is null || from is null || (PoolHosts.Reaches(snapshot, from, chosen) && PoolHosts.Reaches(snapshot, to, chosen))) return chosen;
        string name = snapshot.HostName(chosen);
        throw ProblemException.Conflict("pool.otherHost", $"Host '{name}' has disk {disk.Record.Name} and does not reach pool {to.Record.Name}.", "Name a pool of that host or a shared one; a VM takes its disks along: lamina vm migrate NAME --to HOST --with-storage.");
    }
}
