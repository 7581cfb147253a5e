using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.Networks;

/// <summary><c>/v1/networks/{network}/forwards</c>: ports of the host that lead to VMs.</summary>
internal sealed class ForwardEndpoints(HostNetworks networks, EventLog events)
{
    public void Map(ApiRoutes api)
    {
        api.Get("/v1/networks/{network}/forwards", Permission.View, "Lists the ports of the host that lead into a network", List)
            .Paged().Answers(ApiJson.Default.PageNetworkForward).Problems("network.notFound");
        api.Post("/v1/networks/{network}/forwards", Permission.Administer, "Lets ports of the host lead to a VM", CreateAsync)
            .Takes(ApiJson.Default.ForwardCreate).Answers(ApiJson.Default.NetworkForward, StatusCodes.Status201Created)
            .Problems("network.notFound", "network.deleting");
        api.Delete("/v1/networks/{network}/forwards/{forward}", Permission.Administer, "Takes a forward away", DeleteAsync)
            .AnswersNothing().Problems("network.notFound", "network.deleting", "forward.notFound");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var forwards = NetworkEndpoints.Find(request).Record.Forwards;
        return ApiAnswer.Ok(request.Page.Cut(forwards, forward => $"{forward.Port:D5} {forward.Protocol} {forward.Id}"), ApiJson.Default.PageNetworkForward);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var network = NetworkEndpoints.FindForChange(request);
        var body = await request.DraftAsync(ApiJson.Default.ForwardCreate);
        var forward = ForwardRules.Create(body, network, networks.ReadWorld(request.Snapshot));
        var vm = request.Snapshot.Get(Keys.Vms.Spec, forward.Vm)!;
        var spec = network.Record with { Forwards = [.. network.Record.Forwards, forward] };
        var change = new StoreChange("forward.create").Update(Keys.Networks.Spec, network.Id, spec, network.ModRevision).Require(Keys.Vms.Spec[vm.Id], vm.ModRevision);

        // A forward of another network that is made at this moment may clash.
        foreach (var other in request.Snapshot.All(Keys.Networks.Spec).Where(other => other.Id != network.Id)) change.Require(Keys.Networks.Spec[other.Id], other.ModRevision);
        Tell(change, network, "forwardAdded", $"{Describe(forward)} of this host leads to VM '{vm.Record.Name}'.");
        var location = $"/v1/networks/{Uri.EscapeDataString(network.Id)}/forwards/{forward.Id}";
        return await request.CommitAsync(change, ApiAnswer.Created(forward, ApiJson.Default.NetworkForward, location), NetworkEndpoints.ReferenceTo(network));
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var network = NetworkEndpoints.FindForChange(request);
        var id = request.Route("forward");
        var forward = network.Record.Forwards.FirstOrDefault(forward => forward.Id == id) ?? throw new ProblemException(
            ProblemKind.NotFound, "forward.notFound", $"Network '{network.Record.Name}' has no forward '{Suggestions.Shorten(id)}'.", $"List them: lamina network forward list {network.Record.Name}");
        var spec = network.Record with { Forwards = [.. network.Record.Forwards.Where(other => other != forward)] };
        var change = new StoreChange("forward.delete").Update(Keys.Networks.Spec, network.Id, spec, network.ModRevision);
        Tell(change, network, "forwardRemoved", $"{Describe(forward)} of this host leads to no VM any more.");
        return await request.CommitAsync(change, ApiAnswer.NoContent(), NetworkEndpoints.ReferenceTo(network));
    }

    private static string Describe(NetworkForward forward) =>
        $"{(forward.Protocol == ForwardProtocol.Tcp ? "TCP" : "UDP")} port {forward.Port}{(forward.Count > 1 ? $"-{forward.Port + forward.Count - 1}" : "")}{(forward.Address is null ? "" : $" at {forward.Address}")}";

    private void Tell(StoreChange change, CachedRecord<NetworkSpec> network, string verb, string message) => events.Add(change, new EventDraft
    {
        Kind = $"network.{verb}",
        Message = message,
        Target = NetworkEndpoints.ReferenceTo(network),
        Project = network.Record.Project,
    });
}
