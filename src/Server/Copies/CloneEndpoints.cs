using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary><c>/v1/vms/{vm}/clone</c> and <c>/template</c>: VMs made from VMs.</summary>
internal sealed class CloneEndpoints(OperationRequests operations, EventLog events, CloneSecrets secrets, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/clone", Permission.Operate, "Makes a VM that is as this one, with an identity of its own", CloneAsync)
            .Takes(ApiJson.Default.VmClone).Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.running", "name.taken", "snapshot.notFound");
        api.Post("/v1/vms/{vm}/template", Permission.Operate, "Freezes a stopped VM as a template, or makes it a VM again", TemplateAsync)
            .Takes(ApiJson.Default.VmTemplateRequest, optional: true).Answers(ApiJson.Default.Vm)
            .Problems("vm.notFound", "vm.deleting", "vm.running", "disk.hasClones");
    }

    private async ValueTask<ApiAnswer> CloneAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.VmClone);
        var source = Find(request);
        var problems = new InputProblems();
        var lookups = new VmLookups(request.Snapshot, source.Record.Project);
        var point = SourcePoints.Find(request.Snapshot, source, body.Snapshot, problems);
        var draft = point is null ? null : CloneRules.Draft(body, source, point, lookups, time.GetUtcNow(), problems);
        problems.ThrowIfAny();
        var target = new ObjectReference { Kind = "vm", Id = draft!.Id, Name = draft.Spec.Name };
        var change = new StoreChange("vm.cloning").RequireExists(Keys.Vms.Spec[source.Id]);
        var claims = VmRecords.Claim(change, draft.ToVmDraft());
        var sealedKeys = await secrets.AddAsync(change, draft, point!.Spec, body.CloudInit, request.Aborted);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = HostClones.Clone,
            Target = target,
            Project = source.Record.Project,
            RequestedBy = request.Caller.Subject,
            Host = request.Snapshot.Get(Keys.Vms.Assignment, source.Id)?.Record.Host,
            Parameters = new JsonObject { [CloneDraft.Parameter] = JsonSerializer.SerializeToNode(draft, CopiesJson.Default.CloneDraft) },
            Claims = [.. claims, .. sealedKeys],
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async ValueTask<ApiAnswer> TemplateAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmTemplateRequest);
        var vm = Find(request);
        request.RequireMatch(vm);
        if (TemplateRules.Refuse(request.Snapshot, vm, body.Undo) is { } refusal) throw refusal;
        var target = VmViews.ReferenceTo(vm);
        var spec = vm.Record with { Template = !body.Undo };
        var change = new StoreChange("vm.template").Update(Keys.Vms.Spec, vm.Id, spec, vm.ModRevision);
        // The host writes the status: no start may come between what was seen and this.
        if (request.Snapshot.Get(Keys.Vms.Status, vm.Id) is { } status) change.Require(Keys.Vms.Status[vm.Id], status.ModRevision);
        events.Add(change, new EventDraft
        {
            Kind = "vm.template",
            Message = body.Undo ? $"Template '{vm.Record.Name}' is a VM again." : $"VM '{vm.Record.Name}' is a template now.",
            Target = target,
            Project = spec.Project,
        });
        var shown = VmViews.Of(request.Snapshot, vm) with { Spec = spec };
        return await request.CommitAsync(change, ApiAnswer.Ok(shown, ApiJson.Default.Vm), target);
    }

    private static CachedRecord<VmSpec> Find(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        if (vm.Record.Deleting is { } deleting) throw ProblemException.Conflict("vm.deleting", $"VM '{vm.Record.Name}' is being deleted.", $"Follow it: lamina operation show {deleting}.");
        return vm;
    }
}
