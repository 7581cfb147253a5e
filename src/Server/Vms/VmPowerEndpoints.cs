using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms;

/// <summary><c>/v1/vms/{vm}/start</c> and the other verbs: one commit of the wanted power with its operation; the VM's host does the rest.</summary>
internal sealed class VmPowerEndpoints(OperationRequests operations, HostVms vms, TimeProvider time)
{
    private const int LongestTimeoutSeconds = 24 * 3600;

    public void Map(ApiRoutes api)
    {
        Verb(api, "start", "Starts a VM", StartAsync).Takes(ApiJson.Default.VmStartRequest, optional: true).Problems("vm.noBootDevice");
        Verb(api, "pause", "Halts a VM's CPUs; its memory stays", request => PowerAsync(request, VmVerb.Pause, VmOperations.Pause, PowerWanted.Paused));
        Verb(api, "resume", "Lets a paused VM go on", request => PowerAsync(request, VmVerb.Resume, VmOperations.Resume, PowerWanted.Running));
        Verb(api, "reset", "Resets a VM as its button would", ResetAsync);
        Verb(api, "shutdown", "Asks the guest to power off, by ACPI", ShutdownAsync).Takes(ApiJson.Default.VmShutdownRequest, optional: true);
        Verb(api, "stop", "Cuts a VM's power", StopAsync).Takes(ApiJson.Default.VmStopRequest, optional: true);
    }

    private static ApiEndpoint Verb(ApiRoutes api, string verb, string summary, Func<ApiRequest, ValueTask<ApiAnswer>> handler) => api
        .Post($"/v1/vms/{{vm}}/{verb}", Permission.Operate, summary, handler)
        .Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.notRunning", "vm.notPaused", "vm.paused", "vm.running", "vm.starting", "vm.stopping", "vm.unresponsive", "host.stopping", "host.maintenance");

    private async ValueTask<ApiAnswer> StartAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmStartRequest);
        if (body.Boot is not { } device) return await PowerAsync(request, VmVerb.Start, VmOperations.Start, PowerWanted.Running);
        // Refused here, where a person can still choose otherwise.
        VmFirmwareRules.BootOnce(request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm")).Record, device);
        var parameters = new JsonObject { [VmWantedReader.BootParameter] = device.ToString().ToLowerInvariant() };
        return await PowerAsync(request, VmVerb.Start, VmOperations.Start, PowerWanted.Running, parameters);
    }

    private async ValueTask<ApiAnswer> ShutdownAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmShutdownRequest);
        if (body.TimeoutSeconds is < 1 or > LongestTimeoutSeconds)
            throw new InputException([new InputProblem { Path = "$.timeoutSeconds", Code = "value.outOfRange", Message = $"Write 1 to {LongestTimeoutSeconds} seconds." }]);
        var parameters = new JsonObject { [VmWantedReader.ForceAfterParameter] = body.ForceAfter };
        if (body.TimeoutSeconds is { } seconds) parameters[VmWantedReader.TimeoutParameter] = seconds;
        return await PowerAsync(request, VmVerb.Shutdown, VmOperations.Shutdown, PowerWanted.Stopped, parameters);
    }

    private async ValueTask<ApiAnswer> StopAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmStopRequest);
        try
        {
            return await PowerAsync(request, body.Force ? VmVerb.ForcedStop : VmVerb.Stop, VmOperations.Stop, PowerWanted.Stopped);
        }
        catch (Exception away) when (body.Force && away is StoreUnavailableException or StoreOutcomeUnknownException && request.Caller.Subject == "local:0")
        {
            return await CutPowerAsync(request);
        }
    }

    private async ValueTask<ApiAnswer> PowerAsync(ApiRequest request, VmVerb verb, string kind, PowerWanted wanted, JsonObject? parameters = null)
    {
        if (verb == VmVerb.Start && vms.IsHostStopping)
            throw ProblemException.Conflict("host.stopping", "This host is going down: nothing is started any more.", "Start it when the host is back, or mark it for autostart.");
        if (verb == VmVerb.Start) RequireOpenHost(request);
        var (vm, change, operation) = Begin(request, verb, kind, parameters);
        change.Update(Keys.Vms.Spec, vm.Id, vm.Record with { Power = new VmPower { Wanted = wanted, Request = operation.Id } }, vm.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    /// <summary>What could leave a host in maintenance has left it; the rest would keep it from being empty.</summary>
    private static void RequireOpenHost(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        if (request.Snapshot.Get(Keys.Vms.Assignment, vm.Id) is not { } assignment || request.Snapshot.Get(Keys.Hosts.Spec, assignment.Record.Host) is not { Record.Maintenance: not null } host) return;
        throw ProblemException.Conflict(
            "host.maintenance", $"VM '{vm.Record.Name}' is on host '{host.Record.Name}', which is in maintenance: nothing is started there.",
            $"Let it go elsewhere first, with its disks where they must: lamina vm migrate {vm.Record.Name} --to HOST --with-storage; or end the maintenance: lamina host maintenance exit {host.Record.Name}");
    }

    /// <summary>No power state is wanted: the operation itself is the request.</summary>
    private async ValueTask<ApiAnswer> ResetAsync(ApiRequest request)
    {
        var (vm, change, operation) = Begin(request, VmVerb.Reset, VmOperations.Reset, null);
        change.Require(Keys.Vms.Spec[vm.Id], vm.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private (CachedRecord<VmSpec> Vm, StoreChange Change, Operation Operation) Begin(ApiRequest request, VmVerb verb, string kind, JsonObject? parameters)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        request.RequireMatch(vm);
        VmMoves.Require(verb, vm.Record, request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record);
        var change = new StoreChange(kind);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = kind,
            Target = VmViews.ReferenceTo(vm),
            Project = vm.Record.Project,
            RequestedBy = request.Caller.Subject,
            Host = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
            Parameters = parameters,
        });
        return (vm, change, operation);
    }

    /// <summary>There is no store to write the request into, and root stands at this very machine (decision 16): done at once, and recorded nowhere.</summary>
    private async ValueTask<ApiAnswer> CutPowerAsync(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        await vms.CutPowerAsync(vm.Id);
        var now = time.GetUtcNow();
        return ApiAnswer.Accepted(new Operation
        {
            Id = Guid.Empty.ToString(),
            Project = vm.Record.Project,
            Request = new OperationRequest
            {
                Kind = VmOperations.Stop,
                Target = VmViews.ReferenceTo(vm),
                Project = vm.Record.Project,
                CreatedAt = now,
                RequestedBy = request.Caller.Subject,
            },
            State = new OperationState { Phase = OperationPhase.Succeeded, StartedAt = now, EndedAt = now, Message = "The power was cut without a store; nothing of it is recorded." },
        });
    }
}
