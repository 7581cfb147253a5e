using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms;

/// <summary><c>/v1/vms</c>: VMs are made, shown, changed and deleted. Each request is one commit.</summary>
internal sealed class VmEndpoints(OperationRequests operations, EventLog events, SecretBox secrets, OperatingSystemDatabase systems, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Get("/v1/vms", Permission.View, "Lists VMs", List).Paged().Filtered("name", "state", "tag", "host").Answers(ApiJson.Default.PageVm);
        api.Get("/v1/vms/{vm}", Permission.View, "Shows a VM", Show).Answers(ApiJson.Default.Vm).Problems("vm.notFound");
        api.Post("/v1/vms", Permission.Operate, "Makes a VM, and starts it when asked to", CreateAsync)
            .Takes(ApiJson.Default.VmCreate).Begins().Idempotent().Problems("name.taken");
        api.Post("/v1/vms/forecast", Permission.View, "Says what a new VM would be, take, and where it would land; nothing is made", ForecastAsync)
            .Takes(ApiJson.Default.VmCreate).Answers(ApiJson.Default.VmForecast);
        api.Patch("/v1/vms/{vm}", Permission.Operate, "Changes a VM; what waits for a restart is shown in its status", UpdateAsync)
            .Takes(ApiJson.Default.VmUpdate).Answers(ApiJson.Default.Vm).Problems("vm.notFound", "vm.deleting", "name.taken", "etag.mismatch");
        api.Delete("/v1/vms/{vm}", Permission.Operate, "Deletes a VM, and its disks unless they shall stay", DeleteAsync)
            .Query("force", "true: also when it runs.")
            .Query("keepDisks", "true: its disks stay, as disks of their own.")
            .Begins().Idempotent().Problems("vm.notFound", "vm.running", "vm.deleting", "vm.protected", "disk.protected", "disk.hasClones", "disk.hasSnapshots");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Vms.Spec)
            .Where(spec => request.Shows(spec.Record.Project) && request.Passes("name", spec.Record.Name)
                && (request.Query("tag") is null || request.PassesAny("tag", spec.Record.Tags)));
        return ApiAnswer.Ok(request.Page.Cut(all, spec => $"{spec.Record.Name} {spec.Id}", spec => ShownIn(request, spec)), ApiJson.Default.PageVm);
    }

    /// <summary>Null: the list is asked for others.</summary>
    private static Vm? ShownIn(ApiRequest request, CachedRecord<VmSpec> spec)
    {
        var vm = VmViews.Of(request.Snapshot, spec);
        return request.Passes("state", VmViews.StateOf(vm)) && (request.Query("host") is null || PassesHost(request, vm)) ? vm : null;
    }

    private static bool PassesHost(ApiRequest request, Vm vm) =>
        vm.Assignment?.Host is { } host
        && (request.Passes("host", host) || request.Passes("host", request.Snapshot.Get(Keys.Hosts.Spec, host)?.Record.Name));

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        return ApiAnswer.Ok(VmViews.Of(request.Snapshot, spec), ApiJson.Default.Vm, spec);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var (body, draft) = await DraftAsync(request);
        string project = draft.Spec.Project;
        var target = new ObjectReference { Kind = "vm", Id = draft.Id, Name = draft.Spec.Name };
        var change = new StoreChange("vm.create");
        var operation = operations.Add(change, new OperationDraft { Kind = VmOperations.Create, Target = target, Project = project, RequestedBy = request.Caller.Subject, Warnings = draft.Warnings });
        var power = new VmPower { Wanted = body.Start ? PowerWanted.Running : PowerWanted.Stopped, Request = operation.Id };
        VmRecords.Create(change, draft with { Spec = draft.Spec with { Power = power } }, request.Snapshot);
        if (draft.Spec.CloudInit is { } cloudInit) change.Create(Keys.Secrets, cloudInit.Secret, VmSecrets.Seal(secrets, draft.Id, cloudInit, VmSecrets.NewCloudInit(body.CloudInit, cloudInit.Hostname)));
        if (draft.Spec.Tpm is { } tpm) change.Create(Keys.Secrets, tpm.Secret, VmSecrets.NewTpmKey(secrets, draft.Id, tpm));
        Tell(change, "vm.created", $"VM '{draft.Spec.Name}' was created.", target, project, operation.Id);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async ValueTask<ApiAnswer> ForecastAsync(ApiRequest request)
    {
        var (_, draft) = await DraftAsync(request);
        return ApiAnswer.Ok(VmForecasts.Of(request.Snapshot, draft), ApiJson.Default.VmForecast);
    }

    private async ValueTask<(VmCreate Body, VmDraft Draft)> DraftAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.VmCreate);
        string project = request.ProjectFor(body.Project);
        return (body, VmRules.Create(body, LookupsFor(request, body, project), time.GetUtcNow()));
    }

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        request.RequireMatch(vm);
        if (vm.Record.Deleting is { } deleting) throw ProblemException.Conflict("vm.deleting", $"VM '{vm.Record.Name}' is being deleted.", $"Follow it: lamina operation show {deleting}.");
        var update = await request.PatchAsync(VmRules.Changeable(vm.Record), ApiJson.Default.VmUpdate);
        var spec = VmRules.Update(vm.Record, update, new VmLookups(request.Snapshot, vm.Record.Project));
        var change = new StoreChange("vm.update").Update(Keys.Vms.Spec, vm.Id, spec, vm.ModRevision);
        var paths = VmChangedPaths.Of(vm.Record, spec);
        var operation = paths.Count == 0 ? null : operations.Add(change, VmDeviceChange.Draft(request, vm, paths));
        if (spec.Name != vm.Record.Name)
        {
            change.Delete(Keys.Names[Keys.NameId(spec.Project, "vm", vm.Record.Name)])
                .Create(Keys.Names, Keys.NameId(spec.Project, "vm", spec.Name), new Claim { Owner = vm.Id });
        }

        var target = VmViews.ReferenceTo(vm);
        string what = spec.Name == vm.Record.Name ? "was changed" : $"was renamed to '{spec.Name}'";
        Tell(change, "vm.changed", $"VM '{vm.Record.Name}' {what}.", target, spec.Project, operation?.Id);
        var shown = VmViews.Of(request.Snapshot, vm) with { Name = spec.Name, Spec = spec, Operation = operation?.Id };
        return await request.CommitAsync(change, ApiAnswer.Ok(shown, ApiJson.Default.Vm), target);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        request.RequireMatch(vm);
        VmMoves.Require(request.QueryFlag("force") ? VmVerb.ForcedDelete : VmVerb.Delete, vm.Record, request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record);
        bool keepDisks = request.QueryFlag("keepDisks");
        RefuseIfProtected(request, vm.Record, keepDisks);
        if (!keepDisks) RefuseIfOthersNeedDisks(request.Snapshot, vm);
        var target = VmViews.ReferenceTo(vm);
        var change = new StoreChange("vm.delete");
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = VmOperations.Delete,
            Target = target,
            Project = vm.Record.Project,
            RequestedBy = request.Caller.Subject,
            Host = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
        });
        change.Update(Keys.Vms.Spec, vm.Id, vm.Record with { Deleting = operation.Id, KeepDisks = keepDisks }, vm.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    /// <summary>Its own snapshots go with it; linked clones, and what another VM that had one of the disks has kept of it, would be lost.</summary>
    private static void RefuseIfOthersNeedDisks(CacheSnapshot snapshot, CachedRecord<VmSpec> vm)
    {
        if (DiskUse.RefuseForClones($"VM '{vm.Record.Name}'", DiskUse.ClonesOf(snapshot, vm.Id, vm.Record)) is { } needed) throw needed;
        foreach (var disk in vm.Record.Disks)
        {
            string name = snapshot.Get(Keys.Disks.Spec, disk.Disk)?.Record.Name ?? disk.Disk;
            if (DiskUse.RefuseForSnapshots($"Disk {name} of VM '{vm.Record.Name}'", DiskUse.SnapshotsOf(snapshot, disk.Disk, exceptVm: vm.Id)) is { } held) throw held;
        }
    }

    /// <summary>Also by force: protection is against a slip of the hand.</summary>
    private static void RefuseIfProtected(ApiRequest request, VmSpec vm, bool keepDisks)
    {
        if (vm.Protected) throw ProblemException.Conflict("vm.protected", $"VM '{vm.Name}' is protected from deletion.", $"Take the protection off first: lamina vm set {vm.Name} --protected false.");
        if (keepDisks) return;
        foreach (var disk in vm.Disks)
        {
            if (request.Snapshot.Get(Keys.Disks.Spec, disk.Disk) is { Record: { Protected: true } record }) throw ProblemException.Conflict(
                "disk.protected", $"Disk {record.Name} of VM '{vm.Name}' is protected from deletion.",
                $"Keep its disks, or take the protection off first: lamina vm disk set {vm.Name} {disk.Slot} --protected false.");
        }
    }

    /// <summary>The database is read at the first question only; most VMs ask none.</summary>
    private VmLookups LookupsFor(ApiRequest request, VmCreate body, string project) => body.OperatingSystem is null && body.Isos is null or { Count: 0 }
        ? new VmLookups(request.Snapshot, project) { HostId = request.HostId }
        : new VmLookups(request.Snapshot, project) { HostId = request.HostId, OperatingSystems = systems.Catalogue };

    private void Tell(StoreChange change, string kind, string message, ObjectReference target, string project, string? operation) =>
        events.Add(change, new EventDraft { Kind = kind, Message = message, Target = target, Project = project, Operation = operation });
}
