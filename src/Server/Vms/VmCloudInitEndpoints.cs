using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Store;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms;

/// <summary>
/// <c>/v1/vms/{vm}/cloud-init</c>: what a VM that is there tells its guest. Every change, also an empty one, gives a new instance id, so that cloud-init
/// runs again when the guest is started next. Nothing of it is read back.
/// </summary>
internal sealed class VmCloudInitEndpoints(IStore store, SecretBox box, EventLog events, TimeProvider time)
{
    public void Map(ApiRoutes api) => api
        .Patch("/v1/vms/{vm}/cloud-init", Permission.Operate, "Changes what cloud-init is told; it runs again at the guest's next start", UpdateAsync)
        .Takes(ApiJson.Default.CloudInitCreate).Answers(ApiJson.Default.Vm).Problems("vm.notFound", "vm.deleting", "vm.suspended", "etag.mismatch");

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        request.RequireMatch(vm);
        VmMoves.Require(VmVerb.Change, vm.Record, request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record);
        var present = vm.Record.CloudInit;
        var known = VmCloudInitRules.Changeable(present, present is null ? null : await VmSecrets.ReadAsync(store, box, present, request.Aborted));
        if (await request.PeekAsync("userData") is not null) known = VmCloudInitRules.WithoutConveniences(known);
        var asked = await request.PatchAsync(known, ApiJson.Default.CloudInitCreate);
        VmCloudInitRules.Check(asked, vm.Record, new VmLookups(request.Snapshot, vm.Record.Project));
        string hostname = asked.Hostname ?? vm.Record.Name;
        var secret = VmSecrets.NewCloudInit(asked, hostname, known.Password);
        var now = time.GetUtcNow();
        var cloudInit = new VmCloudInit { Hostname = hostname, InstanceId = Guid.CreateVersion7(now).ToString(), Secret = present?.Secret ?? vm.Id, ChangedAt = now };
        var spec = vm.Record with { CloudInit = cloudInit };
        var change = new StoreChange("vm.cloudInit").Update(Keys.Vms.Spec, vm.Id, spec, vm.ModRevision)
            .Put(Keys.Secrets, cloudInit.Secret, VmSecrets.Seal(box, vm.Id, cloudInit, secret));
        var target = VmViews.ReferenceTo(vm);
        events.Add(change, new EventDraft { Kind = "vm.changed", Message = $"What VM '{spec.Name}' tells cloud-init was changed: it runs again at the guest's next start.", Target = target, Project = spec.Project });
        return await request.CommitAsync(change, ApiAnswer.Ok(VmViews.Of(request.Snapshot, vm) with { Spec = spec }, ApiJson.Default.Vm), target);
    }
}
