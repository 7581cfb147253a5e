using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary><c>/v1/vms/{vm}/take-over</c></summary>
internal sealed class TakeoverEndpoints(OperationRequests operations, EventLog events, TimeProvider time)
{
    private readonly TakeoverChange _change = new(operations, events, time);

    public void Map(ApiRoutes api) => api
        .Post("/v1/vms/{vm}/take-over", Permission.Operate, "Gives a VM to another host because its own is dead, on evidence or a person's word", TakeOverAsync)
        .Takes(ApiJson.Default.VmTakeOver).Begins().Idempotent().Problems("vm.notFound", "host.notFound");

    private async ValueTask<ApiAnswer> TakeOverAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmTakeOver);
        var snapshot = request.Snapshot;
        var vm = snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        string from = snapshot.FindInstalled(Keys.Hosts.Spec, "host", body.From).Id;
        // Word on a host is about everybody's VMs.
        if (body.IKnowItIsDead && HostDeaths.Of(snapshot, from) is null) request.Caller.Require(Permission.Administer, null);
        var asked = new TakeoverRequest
        {
            From = from,
            To = body.To is { } to ? snapshot.FindInstalled(Keys.Hosts.Spec, "host", to).Id : null,
            IsSaid = body.IKnowItIsDead,
            RequestedBy = request.Caller.Subject,
        };
        var decision = Takeovers.Decide(snapshot, vm, asked);
        if (decision.Blockers.Count > 0)
            throw new InputException([.. decision.Blockers.Select(blocker => new InputProblem { Path = PathOf(blocker, body), Code = blocker.Code, Message = $"{blocker.Message} {blocker.Remedy}".Trim() })]);
        var change = new StoreChange(VmOperations.TakeOver);
        var operation = _change.Prepare(change, snapshot, vm, asked, decision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private static string PathOf(Failure blocker, VmTakeOver body) => blocker.Code switch
    {
        "takeOver.hostLives" or "takeOver.notThere" or "takeOver.arriving" => "$.from",
        "takeOver.notProved" => "$.iKnowItIsDead",
        _ => body.To is null ? "$" : "$.to",
    };
}
