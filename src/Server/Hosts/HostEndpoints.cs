using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.Hosts;

/// <summary><c>/v1/hosts</c>: the machines that run VMs.</summary>
/// <param name="events">Told of changes.</param>
/// <param name="fitness">What placement says of each host at a state.</param>
internal sealed class HostEndpoints(EventLog events, Func<CacheSnapshot, Func<string, HostFitness>> fitness)
{
    /// <summary>What <c>?host=</c> means where one host answers for itself.</summary>
    public const string HostQuery = "Name or id of the host that answers; default: the one that is asked.";

    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Lamina.Api.Host>(
        "hosts", [Keys.Hosts.Spec, Keys.Hosts.Status], Get, _ => null, ApiJson.Default.Host);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/hosts", Permission.View, "Lists hosts", List).Answers(ApiJson.Default.PageHost).Paged().InstallationWide();
        api.Get("/v1/hosts/{host}", Permission.View, "Shows a host, by name or id", Show)
            .Answers(ApiJson.Default.Host).InstallationWide().Problems("host.notFound");
        api.Patch("/v1/hosts/{host}", Permission.Administer, "Sets how a host uses its memory", UpdateAsync)
            .Takes(ApiJson.Default.HostUpdate).Answers(ApiJson.Default.Host).InstallationWide().Problems("host.notFound", "etag.mismatch");
    }

    /// <summary>Id of the host in the path, for endpoints that only that host can answer.</summary>
    public static string? HostOf(ApiRequest request) => request.Snapshot.TryFindInstalled(Keys.Hosts.Spec, "host", request.Route("host"))?.Id;

    /// <summary>Id of the host that <c>?host=</c> names; null: whichever is asked.</summary>
    /// <exception cref="ProblemException">404: there is no such host.</exception>
    public static string? HostNamed(ApiRequest request) =>
        request.Query("host") is { } named ? request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", named).Id : null;

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var host = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        request.RequireMatch(host);
        var update = await request.PatchAsync(HostRules.Changeable(host.Record), ApiJson.Default.HostUpdate);
        var spec = HostRules.Update(host.Record, update);
        var target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Record.Name };
        var change = new StoreChange("host.update").Update(Keys.Hosts.Spec, host.Id, spec, host.ModRevision);
        events.Add(change, new EventDraft { Kind = "host.changed", Message = $"Host '{host.Record.Name}' was changed: {Words(spec.Memory)}.", Target = target });
        return await request.CommitAsync(change, ApiAnswer.Ok(Get(request.Snapshot, host.Id)! with { Spec = spec }, ApiJson.Default.Host), target);
    }

    private static string Words(HostMemoryPolicy memory) =>
        $"memory overcommit {memory.OvercommitPercent} %, balloons {(memory.Balloon ? "on" : "off")}, merging of pages {memory.Ksm.ToString().ToLowerInvariant()}";

    private ApiAnswer List(ApiRequest request)
    {
        var of = fitness(request.Snapshot);
        var hosts = request.Snapshot.All(Keys.Hosts.Spec).Select(spec => Get(request.Snapshot, spec.Id)! with { Fitness = of(spec.Id) });
        return ApiAnswer.Ok(request.Page.Cut(hosts, host => $"{host.Name} {host.Id}"), ApiJson.Default.PageHost);
    }

    private ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        return ApiAnswer.Ok(Get(request.Snapshot, spec.Id)! with { Fitness = fitness(request.Snapshot)(spec.Id) }, ApiJson.Default.Host, spec);
    }

    private static Lamina.Api.Host? Get(CacheSnapshot snapshot, string id) => snapshot.Get(Keys.Hosts.Spec, id) is { } spec
        ? new Lamina.Api.Host
        {
            Id = id,
            Name = spec.Record.Name,
            Spec = spec.Record,
            Status = snapshot.Get(Keys.Hosts.Status, id)?.Record,
            LiveSince = snapshot.Get(Keys.Hosts.Live, id)?.Record.Since,
            IsLeader = snapshot.Get(Keys.Leader, "")?.Record.Host == id,
            Load = snapshot.Get(Keys.Hosts.Load, id)?.Record,
            Death = HostDeaths.Of(snapshot, id)?.Record,
            Roles = [.. RolesOf(snapshot, id, spec.Record)],
            Clock = snapshot.Get(Keys.Hosts.Clock, id)?.Record,
            UnreachableSince = snapshot.Get(Keys.Hosts.Silence, id)?.Record.Since,
        }
        : null;

    private static IEnumerable<string> RolesOf(CacheSnapshot snapshot, string id, HostSpec spec)
    {
        if (snapshot.Get(Keys.Leader, "")?.Record.Host == id) yield return "leader";
        if (spec.Addresses is not null) yield return snapshot.Get(Keys.Hosts.Voter, id)?.Record is { Member: not null, IsLearner: false } ? "voter" : "client";
        if (spec.Witness) yield return "witness";
    }
}
