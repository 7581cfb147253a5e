using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Copies;

/// <summary><c>/v1/disks/{disk}/move</c></summary>
internal sealed class MoveEndpoints(OperationRequests operations)
{
    public void Map(ApiRoutes api) => api
        .Post("/v1/disks/{disk}/move", Permission.Operate, "Moves a disk that no running VM has to another pool", MoveAsync)
        .Takes(ApiJson.Default.DiskMove).Begins().Idempotent()
        .Problems("disk.notFound", "disk.busy", "disk.samePool", "disk.hasClones", "disk.hasSnapshots", "vm.running");

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
        if (disk.Record.Vm is { } vm && snapshot.Get(Keys.Vms.Status, vm)?.Record.State is { } state and not (VmState.Stopped or VmState.Suspended))
        {
            string name = snapshot.Get(Keys.Vms.Spec, vm)?.Record.Name ?? vm;
            throw ProblemException.Conflict("vm.running", $"VM '{name}' has disk {disk.Record.Name} and is {state.ToString().ToLowerInvariant()}.", $"Shut it down first: lamina vm shutdown {name}.");
        }

        var target = DiskEndpoints.ReferenceTo(disk);
        var change = new StoreChange(HostMoves.Move).Require(Keys.Disks.Spec[disk.Id], disk.ModRevision).Require(Keys.Pools.Spec[pool.Id], pool.ModRevision);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = HostMoves.Move,
            Target = target,
            Project = disk.Record.Project,
            RequestedBy = request.Caller.Subject,
            Parameters = new JsonObject { [HostMoves.FromParameter] = disk.Record.Pool, [HostMoves.ToParameter] = pool.Id },
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }
}
