using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Networks;

/// <summary><c>/v1/networks</c>: where guests are plugged in. Networks change the host, so only administrators make them.</summary>
internal sealed class NetworkEndpoints(HostNetworks networks, OperationRequests operations, EventLog events, TimeProvider time)
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Network>(
        "networks",
        [Keys.Networks.Spec, Keys.Networks.OnHost],
        (snapshot, id) => snapshot.Get(Keys.Networks.Spec, id) is { } spec ? View(snapshot, spec) : null,
        network => network.Project,
        ApiJson.Default.Network);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/networks", Permission.View, "Lists networks", List).Paged().Filtered("name").Answers(ApiJson.Default.PageNetwork);
        api.Get("/v1/networks/{network}", Permission.View, "Shows a network", Show).Answers(ApiJson.Default.Network).Problems("network.notFound");
        api.Get("/v1/networks/{network}/addresses", Permission.View, "Lists who has an address in a network", ListAddresses)
            .Paged().Answers(ApiJson.Default.PageNetworkAddress).Problems("network.notFound");
        api.Post("/v1/networks", Permission.Administer, "Makes a network; a bridge to a card of the host waits to be confirmed", CreateAsync)
            .Takes(ApiJson.Default.NetworkCreate).Answers(ApiJson.Default.Network, StatusCodes.Status201Created)
            .Idempotent((request, id) => ApiAnswer.Ok(View(request.Snapshot, request.Snapshot.Get(Keys.Networks.Spec, id)!), ApiJson.Default.Network)).Problems("name.taken");
        api.Patch("/v1/networks/{network}", Permission.Administer, "Changes a network", UpdateAsync)
            .Takes(ApiJson.Default.NetworkUpdate).Answers(ApiJson.Default.Network).Problems("network.notFound", "network.deleting", "name.taken", "etag.mismatch");
        api.Post("/v1/networks/{network}/confirm", Permission.Administer, "Says that the host is within reach over its new bridge", ConfirmAsync)
            .Answers(ApiJson.Default.Network).Problems("network.notFound", "network.notAwaiting");
        api.Post("/v1/networks/{network}/retry", Permission.Administer, "Tries once more to move a card's addresses to a bridge", RetryAsync)
            .Answers(ApiJson.Default.Network).Problems("network.notFound", "network.notRolledBack", "network.retrying");
        api.Delete("/v1/networks/{network}", Permission.Administer, "Deletes a network that no card uses", DeleteAsync)
            .Begins().Idempotent().Problems("network.notFound", "network.inUse", "network.default", "network.deleting");
    }

    /// <exception cref="ProblemException">404, or it is being deleted.</exception>
    public static CachedRecord<NetworkSpec> FindForChange(ApiRequest request)
    {
        var network = Find(request);
        request.RequireMatch(network);
        return network.Record.Deleting is { } deleting
            ? throw ProblemException.Conflict("network.deleting", $"Network '{network.Record.Name}' is being deleted.", $"Follow it: lamina operation show {deleting}")
            : network;
    }

    public static CachedRecord<NetworkSpec> Find(ApiRequest request) =>
        request.Snapshot.Find(Keys.Networks.Spec, "network", request.Project, request.Route("network"));

    public static Network View(CacheSnapshot snapshot, CachedRecord<NetworkSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = NetworkStatuses.Of(snapshot, spec.Id),
        Hosts = NetworkStatuses.On(snapshot, spec.Id),
    };

    public static ObjectReference ReferenceTo(CachedRecord<NetworkSpec> network) => new() { Kind = "network", Id = network.Id, Name = network.Record.Name };

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Networks.Spec)
            .Where(spec => request.Shows(spec.Record.Project) && request.Passes("name", spec.Record.Name))
            .Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, network => $"{network.Name} {network.Id}"), ApiJson.Default.PageNetwork);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = Find(request);
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Network, spec);
    }

    /// <summary>VMs of projects that the caller may not see are left out.</summary>
    private static ApiAnswer ListAddresses(ApiRequest request)
    {
        var all = NetworkAddresses.Of(Find(request), request.Snapshot, project => request.Caller.May(Permission.View, project));
        return ApiAnswer.Ok(request.Page.Cut(all, NetworkAddresses.SortKey), ApiJson.Default.PageNetworkAddress);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.NetworkCreate);
        var project = request.ProjectFor(body.Project);
        var spec = NetworkRules.Create(body, project, networks.ReadWorld(request.Snapshot), time.GetUtcNow());
        var id = Guid.CreateVersion7().ToString();
        var change = new StoreChange("network.create")
            .Create(Keys.Names, Keys.NameId(project, "network", spec.Name), new Claim { Owner = id });
        spec = NetworkNumbers.Claim(change, request.Snapshot, id, spec);
        change.Create(Keys.Networks.Spec, id, spec);
        RequireOthers(change, request.Snapshot);
        var target = new ObjectReference { Kind = "network", Id = id, Name = spec.Name };
        Tell(change, "network.created", $"Network '{spec.Name}' was made.", target, project);
        var made = new Network { Id = id, Name = spec.Name, Project = project, Spec = spec };
        return await request.CommitAsync(change, ApiAnswer.Created(made, ApiJson.Default.Network, ApiPaths.Of("networks", id, project)), target);
    }

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var network = FindForChange(request);
        var update = await request.PatchAsync(NetworkRules.Changeable(network.Record), ApiJson.Default.NetworkUpdate);
        var spec = NetworkRules.Update(network, update, networks.ReadWorld(request.Snapshot));
        var change = new StoreChange("network.update").Update(Keys.Networks.Spec, network.Id, spec, network.ModRevision);
        if (spec.Subnet != network.Record.Subnet || spec.Ipv6Subnet != network.Record.Ipv6Subnet) RequireOthers(change, request.Snapshot, network.Id);
        if (spec.Name != network.Record.Name)
        {
            change.Delete(Keys.Names[Keys.NameId(spec.Project, "network", network.Record.Name)])
                .Create(Keys.Names, Keys.NameId(spec.Project, "network", spec.Name), new Claim { Owner = network.Id });
        }

        return await CommitAsync(request, network, spec, change, "network.changed", $"Network '{network.Record.Name}' was changed.");
    }

    private async ValueTask<ApiAnswer> ConfirmAsync(ApiRequest request)
    {
        var network = FindForChange(request);
        var uplink = NetworkStatuses.Of(request.Snapshot, network.Id)?.Uplink;
        if (network.Record.Bridge is not { } bridge || uplink?.State != UplinkState.AwaitingConfirmation || uplink.Attempt != bridge.Attempt)
        {
            throw ProblemException.Conflict(
                "network.notAwaiting", $"Network '{network.Record.Name}' does not wait for a confirmation.",
                uplink?.State == UplinkState.RolledBack ? $"It was taken back. Try again: lamina network retry {network.Record.Name}" : $"See its state: lamina network show {network.Record.Name}");
        }

        var spec = network.Record with { Bridge = bridge with { Confirmed = bridge.Attempt } };
        var change = new StoreChange("network.confirm").Update(Keys.Networks.Spec, network.Id, spec, network.ModRevision);
        return await CommitAsync(request, network, spec, change, "network.changed", $"Network '{spec.Name}' was confirmed by {request.Caller.Subject}.");
    }

    private async ValueTask<ApiAnswer> RetryAsync(ApiRequest request)
    {
        var network = FindForChange(request);
        var uplink = NetworkStatuses.Of(request.Snapshot, network.Id)?.Uplink;
        if (NetworkRules.RefuseRetry(network.Record, uplink) is { } refusal) throw refusal;
        var bridge = network.Record.Bridge!;
        var spec = network.Record with { Bridge = bridge with { Attempt = bridge.Attempt + 1 } };
        var change = new StoreChange("network.retry").Update(Keys.Networks.Spec, network.Id, spec, network.ModRevision);
        return await CommitAsync(request, network, spec, change, "network.changed", $"Network '{spec.Name}' is tried again.");
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var network = FindForChange(request);
        if (NetworkRules.RefuseDelete(network, request.Snapshot) is { } refusal) throw refusal;
        var target = ReferenceTo(network);
        var change = new StoreChange("network.deleting");
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = NetworkDeletion.Kind,
            Target = target,
            Project = network.Record.Project,
            RequestedBy = request.Caller.Subject,
        });
        change.Update(Keys.Networks.Spec, network.Id, network.Record with { Deleting = operation.Id }, network.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    /// <summary>A network whose subnet was changed meanwhile is looked at anew. Of two that are made at the same instant, the host refuses the second.</summary>
    private static void RequireOthers(StoreChange change, CacheSnapshot snapshot, string? own = null)
    {
        foreach (var other in snapshot.All(Keys.Networks.Spec).Where(other => other.Id != own)) change.Require(Keys.Networks.Spec[other.Id], other.ModRevision);
    }

    private async ValueTask<ApiAnswer> CommitAsync(ApiRequest request, CachedRecord<NetworkSpec> network, NetworkSpec spec, StoreChange change, string kind, string message)
    {
        var target = ReferenceTo(network);
        Tell(change, kind, message, target, spec.Project);
        var shown = View(request.Snapshot, network) with { Name = spec.Name, Spec = spec };
        return await request.CommitAsync(change, ApiAnswer.Ok(shown, ApiJson.Default.Network), target);
    }

    private void Tell(StoreChange change, string kind, string message, ObjectReference target, string project) =>
        events.Add(change, new EventDraft { Kind = kind, Message = message, Target = target, Project = project });
}
