using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Pools;

/// <summary>
/// Carries out the operations of pools on this machine. Both can be begun again from their start: a folder that bears the pool's mark is taken
/// anew, and the pool counts only by the commit that ends the operation.
/// </summary>
internal sealed class HostPoolOperations(Cache cache, HostPools pools, EventLog events, TimeProvider time)
{
    public const string Create = "pool.create";
    public const string Delete = "pool.delete";

    /// <summary>Member of a creation's parameters: the body.</summary>
    public const string RequestParameter = "pool";

    public void Register(OperationExecutor executor)
    {
        executor.Register(Create, CreateAsync, cancellable: false, AfterRestart.Resume);
        executor.Register(Delete, DeleteAsync, cancellable: false, AfterRestart.Resume);
    }

    private async Task CreateAsync(OperationRun run, CancellationToken cancellation)
    {
        var asked = System.Text.Json.JsonSerializer.Deserialize(run.Request.Parameters?[RequestParameter], ApiJson.Default.PoolCreate)
            ?? throw new InvalidOperationException($"Operation {run.Id} says nothing of the pool.");
        var others = cache.Snapshot.All(Keys.Pools.Spec).Where(pool => pool.Id != run.Request.Target.Id && PoolHosts.IsOn(pool.Record, pools.HostId)).Select(pool => pool.Record);
        if (PoolRules.PathProblem(asked.Path, others, []) is { } problem) throw new ProblemException(ProblemKind.Conflict, problem.Code, problem.Message);
        var paths = new PoolPaths(asked.Path);
        string id = run.Request.Target.Id;
        try
        {
            PoolFolder.Take(paths, id);
            var spec = new PoolSpec
            {
                Name = asked.Name,
                Path = asked.Path,
                CreatedAt = time.GetUtcNow(),
                ReserveBytes = asked.ReserveBytes ?? PoolAccounting.DefaultReserveBytes(FileSystemSpace.Read(paths.Disks).TotalBytes),
                OverProvisionPercent = asked.OverProvisionPercent,
                Notes = asked.Notes,
                Marked = true,
                Scope = asked.Shared ? PoolScope.Shared : PoolScope.Host,
                Host = asked.Shared ? null : pools.HostId,
            };
            var change = new StoreChange(Create).Create(Keys.Pools.Spec, id, spec).Put(Keys.Pools.Status, id, pools.Look(id, spec));
            events.Add(change, Event(run, $"Pool {asked.Name} was made at {asked.Path}.", "pool.created"));
            var result = await run.EndAsync(OperationOutcome.Succeeded, change, cancellation);
            if (!result.Succeeded) throw Conflicts.Explain(result);
        }
        catch (ProblemException)
        {
            PoolFolder.GiveBack(paths, id);
            throw;
        }
    }

    /// <summary>The request was committed with <c>spec.deleting</c>, and whoever puts something into a pool requires its spec unchanged.</summary>
    private async Task DeleteAsync(OperationRun run, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Pools.Spec, run.Request.Target.Id) is not { } pool) return;
        if (PoolRules.RefuseDelete(pool.Record.Name, PoolContent.Of(snapshot, pool.Id), PoolHosts.IsDefault(pool.Record)) is { } refusal)
        {
            // The one other writer of a spec: the deletion that it stands for did not happen.
            var back = new StoreChange("pool.keep").Update(Keys.Pools.Spec, pool.Id, pool.Record with { Deleting = null }, pool.ModRevision);
            await run.EndAsync(OperationOutcome.Failed(refusal), back, cancellation);
            return;
        }

        pools.LetGo(pool.Id);
        var left = PoolFolder.GiveBack(new PoolPaths(pool.Record.Path), pool.Id);
        if (left.Count > 0) run.Log($"left in {pool.Record.Path}, because no record speaks of it: {string.Join(", ", left)}");
        var change = new StoreChange(Delete)
            .DeletePrefix(Keys.Pools.All(pool.Id))
            .Delete(Keys.Names[Keys.NameId(Lookup.Installation, "pool", pool.Record.Name)]);
        events.Add(change, Event(run, $"Pool {pool.Record.Name} at {pool.Record.Path} was deleted.", "pool.deleted"));
        await run.EndAsync(OperationOutcome.Succeeded, change, cancellation);
    }

    private static EventDraft Event(OperationRun run, string message, string kind) => new()
    {
        Kind = kind,
        Message = message,
        Target = run.Request.Target,
        Operation = run.Id,
    };
}
