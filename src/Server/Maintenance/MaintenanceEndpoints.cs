using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Maintenance;

/// <summary>Hosts that are emptied, and what each VM could do: <c>/v1/hosts/{host}/maintenance</c>, <c>…/evacuate</c>, <c>…/power</c>, <c>/v1/vms/{vm}/mobility</c>.</summary>
internal sealed class MaintenanceEndpoints(OperationRequests operations, EventLog events, TimeProvider time)
{
    private const string WithStorageQuery = "withStorage";

    public void Map(ApiRoutes api)
    {
        api.Post("/v1/hosts/{host}/maintenance", Permission.Administer, "Empties a host and keeps it empty, or ends that", MaintainAsync)
            .Takes(ApiJson.Default.HostMaintenanceRequest).Begins().InstallationWide().Idempotent().Problems("host.notFound", "host.evacuating", "host.notInMaintenance");
        api.Post("/v1/hosts/{host}/evacuate", Permission.Administer, "Empties a host, which goes on taking VMs", EvacuateAsync)
            .Takes(ApiJson.Default.HostEvacuate, optional: true).Begins().InstallationWide().Idempotent().Problems("host.notFound", "host.evacuating");
        api.Post("/v1/hosts/{host}/power", Permission.Administer, "Empties a host, and reboots the machine or switches it off", PowerAsync)
            .Takes(ApiJson.Default.HostPowerRequest).Begins().InstallationWide().Idempotent().Problems("host.notFound", "host.evacuating");
        api.Get("/v1/hosts/{host}/evacuation", Permission.View, "What emptying a host would do: what stands in the way, who goes where, and until when", Forecast)
            .Query(WithStorageQuery, "true: disks that no other host reaches go along.").Answers(ApiJson.Default.EvacuationForecast).InstallationWide().Problems("host.notFound");
        api.Get("/v1/vms/{vm}/mobility", Permission.View, "Says for each host whether a VM can go there, why not, and how long it would take", Mobility)
            .Answers(ApiJson.Default.PageVmMobility).Problems("vm.notFound");
    }

    private async ValueTask<ApiAnswer> MaintainAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.HostMaintenanceRequest);
        var host = HostOf(request);
        if (body.Action == HostMaintenanceAction.Exit) return await ExitAsync(request, host, body);
        MaintenanceRules.CheckReason(body.Reason);
        MaintenanceRules.CheckLeave(request.Snapshot, host, body.WithStorage, body.SkipBlocked, time.GetUtcNow());
        return await CloseAsync(request, host, EvacuationJob.Enter, Parameters(body.WithStorage, body.SkipBlocked, false), body.Reason);
    }

    private async ValueTask<ApiAnswer> PowerAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.HostPowerRequest);
        var host = HostOf(request);
        MaintenanceRules.CheckLeave(request.Snapshot, host, body.WithStorage, body.StopGuests, time.GetUtcNow());
        string kind = body.Action == HostPowerAction.Reboot ? EvacuationJob.Reboot : EvacuationJob.Shutdown;
        return await CloseAsync(request, host, kind, Parameters(body.WithStorage, body.StopGuests, body.StopGuests), body.Action == HostPowerAction.Reboot ? "reboot" : "shutdown");
    }

    private async ValueTask<ApiAnswer> EvacuateAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.HostEvacuate);
        var host = HostOf(request);
        MaintenanceRules.CheckLeave(request.Snapshot, host, body.WithStorage, body.SkipBlocked, time.GetUtcNow());
        var change = new StoreChange(EvacuationJob.Evacuate).Require(Keys.Hosts.Spec[host.Id], host.ModRevision);
        var operation = Begin(change, request, host, EvacuationJob.Evacuate, Parameters(body.WithStorage, body.SkipBlocked, false));
        Tell(change, host, "host.evacuating", $"Host '{host.Record.Name}' is being emptied.", operation);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    /// <summary>Nothing is placed there from this transaction on.</summary>
    private async ValueTask<ApiAnswer> CloseAsync(ApiRequest request, CachedRecord<HostSpec> host, string kind, JsonObject parameters, string? reason)
    {
        var change = new StoreChange(kind);
        var operation = Begin(change, request, host, kind, parameters);
        var maintenance = new HostMaintenance { Since = host.Record.Maintenance?.Since ?? time.GetUtcNow(), Reason = reason ?? host.Record.Maintenance?.Reason, Operation = operation.Id };
        change.Update(Keys.Hosts.Spec, host.Id, host.Record with { Maintenance = maintenance }, host.ModRevision);
        Tell(change, host, "host.maintenanceEntered", $"Host '{host.Record.Name}' takes no VMs any more and is being emptied{(reason is null ? "" : $": {reason}")}.", operation);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private async ValueTask<ApiAnswer> ExitAsync(ApiRequest request, CachedRecord<HostSpec> host, HostMaintenanceRequest body)
    {
        MaintenanceRules.CheckExit(host);
        var change = new StoreChange(EvacuationJob.Exit);
        var operation = Begin(change, request, host, EvacuationJob.Exit, new JsonObject { [EvacuationJob.NoReturnParameter] = body.NoReturn });
        change.Update(Keys.Hosts.Spec, host.Id, host.Record with { Maintenance = null }, host.ModRevision);
        if (MaintenanceRules.OpenJob(request.Snapshot, host.Id) is { } open && request.Snapshot.Get(Keys.Operations.Request, open.Operation) is { Record.CancelRequested: false } entering)
            change.Update(Keys.Operations.Request, entering.Id, entering.Record with { CancelRequested = true }, entering.ModRevision);
        Tell(change, host, "host.maintenanceEnded", $"The maintenance of host '{host.Record.Name}' is over{(body.NoReturn ? "; VMs stay where they are" : "; the VMs that left come back")}.", operation);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private ApiAnswer Forecast(ApiRequest request) => ApiAnswer.Ok(
        EvacuationForecasts.Of(request.Snapshot, HostOf(request), request.Query(WithStorageQuery) == "true", time.GetUtcNow()), ApiJson.Default.EvacuationForecast);

    private static ApiAnswer Mobility(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        return ApiAnswer.Ok(new Page<VmMobility> { Items = Mobilities.Of(request.Snapshot, vm) }, ApiJson.Default.PageVmMobility);
    }

    private static CachedRecord<HostSpec> HostOf(ApiRequest request) => request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));

    private Operation Begin(StoreChange change, ApiRequest request, CachedRecord<HostSpec> host, string kind, JsonObject parameters) => operations.Add(change, new OperationDraft
    {
        Kind = kind,
        Target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Record.Name },
        RequestedBy = request.Caller.Subject,
        Parameters = parameters,
    });

    private void Tell(StoreChange change, CachedRecord<HostSpec> host, string kind, string message, Operation operation) => events.Add(
        change, new EventDraft { Kind = kind, Message = message, Target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Record.Name }, Operation = operation.Id });

    private static JsonObject Parameters(bool withStorage, bool skipBlocked, bool stopGuests) => new()
    {
        [EvacuationJob.WithStorageParameter] = withStorage,
        [EvacuationJob.SkipBlockedParameter] = skipBlocked,
        [EvacuationJob.StopGuestsParameter] = stopGuests,
    };
}
