using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Pools;

/// <summary><c>/v1/pools</c>: where disks live, and how full that is.</summary>
internal sealed class PoolEndpoints(OperationRequests operations, EventLog events, IReadOnlyList<string> privateFolders)
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Pool>(
        "pools", [Keys.Pools.Spec, Keys.Pools.Status, Keys.Pools.OnHost], (snapshot, id) => snapshot.Get(Keys.Pools.Spec, id) is { } spec ? View(snapshot, spec) : null, _ => null, ApiJson.Default.Pool);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/pools", Permission.View, "Lists the pools", List).InstallationWide().Paged().Answers(ApiJson.Default.PagePool);
        api.Get("/v1/pools/{pool}", Permission.View, "Shows a pool", Show).InstallationWide().Answers(ApiJson.Default.Pool).Problems("pool.notFound");
        api.Post("/v1/pools", Permission.Administer, "Makes an empty folder of the host a pool", CreateAsync)
            .InstallationWide().Takes(ApiJson.Default.PoolCreate).Begins().Idempotent().Problems("name.taken");
        api.Patch("/v1/pools/{pool}", Permission.Administer, "Changes a pool's notes and bounds", UpdateAsync)
            .InstallationWide().Takes(ApiJson.Default.PoolUpdate).Answers(ApiJson.Default.Pool).Problems("pool.notFound", "pool.deleting", "etag.mismatch");
        api.Delete("/v1/pools/{pool}", Permission.Administer, "Deletes an empty pool; its folder stays", DeleteAsync)
            .InstallationWide().Begins().Idempotent().Problems("pool.notFound", "pool.notEmpty", "pool.default", "pool.deleting");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Pools.Spec).Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, pool => $"{pool.Name}/{pool.Id}"), ApiJson.Default.PagePool);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = Find(request);
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Pool, spec);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.PoolCreate);
        var problems = new InputProblems();
        string host = HostOf(request, body, problems);
        PoolRules.Check(body, Beside(request.Snapshot, body, host), privateFolders, problems);
        problems.ThrowIfAny();
        var target = new ObjectReference { Kind = "pool", Id = Guid.CreateVersion7().ToString(), Name = body.Name };
        string name = Keys.NameId(Lookup.Installation, "pool", body.Name);
        var change = new StoreChange("pool.creating").Create(Keys.Names, name, new Claim { Owner = target.Id });
        var operation = operations.Add(change, Draft(request, HostPoolOperations.Create, target) with
        {
            Parameters = new JsonObject { [HostPoolOperations.RequestParameter] = JsonSerializer.SerializeToNode(body, ApiJson.Default.PoolCreate) },
            Claims = [Keys.Names[name]],
            Host = host,
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    /// <summary>The host whose folder it is.</summary>
    private static string HostOf(ApiRequest request, PoolCreate body, InputProblems problems)
    {
        if (body.Host is not { } named) return request.HostId;
        if (request.Snapshot.TryFindInstalled(Keys.Hosts.Spec, "host", named) is { } found) return found.Id;
        problems.Add("$.host", "host.notFound", $"There is no host '{Suggestions.Shorten(named)}': 'lamina host list' shows those there are.");
        return request.HostId;
    }

    /// <summary>The pools whose folders may be the same: those of the host; of a shared one all.</summary>
    private static IEnumerable<PoolSpec> Beside(CacheSnapshot snapshot, PoolCreate body, string host) =>
        snapshot.All(Keys.Pools.Spec).Select(pool => pool.Record).Where(pool => body.Shared || PoolHosts.IsOn(pool, host));

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var pool = Find(request);
        request.RequireMatch(pool);
        RequireKept(pool);
        var known = new PoolUpdate { ReserveBytes = pool.Record.ReserveBytes, OverProvisionPercent = pool.Record.OverProvisionPercent, Notes = pool.Record.Notes };
        var update = await request.PatchAsync(known, ApiJson.Default.PoolUpdate);
        var problems = new InputProblems();
        PoolRules.Check(update, problems);
        problems.ThrowIfAny();
        long total = request.Snapshot.Get(Keys.Pools.Status, pool.Id)?.Record.TotalBytes ?? 0;
        var spec = pool.Record with
        {
            ReserveBytes = update.ReserveBytes ?? PoolAccounting.DefaultReserveBytes(total),
            OverProvisionPercent = update.OverProvisionPercent,
            Notes = update.Notes,
        };
        var target = Reference(pool);
        var change = new StoreChange("pool.update").Update(Keys.Pools.Spec, pool.Id, spec, pool.ModRevision);
        events.Add(change, new EventDraft { Kind = "pool.changed", Message = $"Pool {pool.Record.Name} was changed.", Target = target });
        var shown = View(request.Snapshot, pool) with { Spec = spec };
        return await request.CommitAsync(change, ApiAnswer.Ok(shown, ApiJson.Default.Pool), target);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var pool = Find(request);
        request.RequireMatch(pool);
        RequireKept(pool);
        if (PoolRules.RefuseDelete(pool.Record.Name, PoolContent.Of(request.Snapshot, pool.Id), PoolHosts.IsDefault(pool.Record)) is { } refusal) throw refusal;
        var target = Reference(pool);
        var change = new StoreChange("pool.deleting");
        var operation = operations.Add(change, Draft(request, HostPoolOperations.Delete, target) with { Host = PoolHosts.ExecutorOf(request.Snapshot, pool, request.HostId) ?? request.HostId });
        change.Update(Keys.Pools.Spec, pool.Id, pool.Record with { Deleting = operation.Id }, pool.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private static CachedRecord<PoolSpec> Find(ApiRequest request) => request.Snapshot.FindInstalled(Keys.Pools.Spec, "pool", request.Route("pool"));

    private static void RequireKept(CachedRecord<PoolSpec> pool)
    {
        if (pool.Record.Deleting is { } deleting)
            throw ProblemException.Conflict("pool.deleting", $"Pool {pool.Record.Name} is being deleted.", $"Follow it: lamina operation show {deleting}.");
    }

    private static OperationDraft Draft(ApiRequest request, string kind, ObjectReference target) =>
        new() { Kind = kind, Target = target, RequestedBy = request.Caller.Subject };

    private static ObjectReference Reference(CachedRecord<PoolSpec> pool) => new() { Kind = "pool", Id = pool.Id, Name = pool.Record.Name };

    private static Pool View(CacheSnapshot snapshot, CachedRecord<PoolSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Spec = spec.Record,
        Status = PoolHosts.StatusOf(snapshot, spec),
        Hosts =
        [
            .. PoolHosts.On(snapshot, spec.Id)
                .Select(found => new PoolOnHost { Host = found.Host, HostName = snapshot.HostName(found.Host), Status = found.Status }),
        ],
    };
}
