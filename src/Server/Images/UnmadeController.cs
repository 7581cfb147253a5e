using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Store;

namespace Lamina.Server.Images;

/// <summary>How <see cref="UnmadeController{TSpec,TStatus}"/> treats one kind of content.</summary>
/// <typeparam name="TSpec">The specs.</typeparam>
/// <typeparam name="TStatus">The statuses.</typeparam>
/// <param name="Noun">As in names and operations: <c>image</c>.</param>
/// <param name="MakingOf">The operation that makes it.</param>
/// <param name="NameOf">Its name in its project.</param>
/// <param name="RemoveFiles">Removes what the operation has put in place; safe to repeat.</param>
/// <param name="IsMine">Whether this host removes them: one of those that reach them does.</param>
internal sealed record UnmadeKind<TSpec, TStatus>(
    string Noun, RecordKind<TSpec> Spec, RecordKind<TStatus> Status, Func<TSpec, string?> MakingOf, Func<TSpec, string> NameOf, Action<string, TSpec> RemoveFiles, Func<TSpec, bool> IsMine)
    where TSpec : ProjectRecord
    where TStatus : StoredRecord
{
    /// <summary>All keys of one object.</summary>
    public string All(string id) => $"{Spec.Prefix}{id}/";
}

/// <summary>
/// Removes images and ISOs whose making has ended without success (failed, cancelled, also before it began): files first, then all keys with the
/// name in one commit, so that the name can be used again. The operation keeps the reason.
/// </summary>
internal sealed class UnmadeController<TSpec, TStatus>(
    UnmadeKind<TSpec, TStatus> kind, IStore store, StoreGeneration generation, Cache cache, TimeProvider time, ILogger logger)
    where TSpec : ProjectRecord
    where TStatus : StoredRecord
{
    public async Task RunAsync(CancellationToken cancellation)
    {
        await using var loop = new ControllerLoop($"{kind.Noun} clean-up", ReconcileAsync, time, logger, new ControllerLoopOptions { Workers = 1 });
        using var subscription = cache.Subscribe(kind.Spec, Keys.Operations.State);
        await Task.WhenAll(
            loop.RunAsync(cancellation),
            loop.FollowAsync(subscription, KeyOf, snapshot => snapshot.All(kind.Spec).Select(spec => spec.Id), cancellation));
    }

    /// <summary>True when nothing will ever complete it (pure).</summary>
    internal static bool IsUnmade(CacheSnapshot snapshot, CachedRecord<TSpec> spec, UnmadeKind<TSpec, TStatus> kind)
    {
        if (snapshot.Get(kind.Status, spec.Id) is not null || kind.MakingOf(spec.Record) is not { } making) return false;
        return snapshot.Get(Keys.Operations.Request, making) is null || snapshot.Get(Keys.Operations.State, making)?.Record.IsEnded() == true;
    }

    private async Task<Reconciled> ReconcileAsync(string id, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(kind.Spec, id) is not { } spec || !kind.IsMine(spec.Record) || !IsUnmade(snapshot, spec, kind)) return Reconciled.Done;
        kind.RemoveFiles(id, spec.Record);
        // Overtaken: the change wakes this key again.
        var result = await new StoreChange($"{kind.Noun}.unmake")
            .OfGeneration(generation)
            .Require(kind.Spec[id], spec.ModRevision)
            .RequireAbsent(kind.Status[id])
            .DeletePrefix(kind.All(id))
            .Delete(Keys.Names[Keys.NameId(spec.Record.Project, kind.Noun, kind.NameOf(spec.Record))])
            .CommitAsync(store, time, cancellation);
        result.EnsureTerm();
        return Reconciled.Done;
    }

    private string? KeyOf(CacheChange change)
    {
        if (ReferenceEquals(change.Kind, kind.Spec)) return change.Id;
        return cache.Snapshot.Get(Keys.Operations.Request, change.Id)?.Record.Target is { } target && target.Kind == kind.Noun ? target.Id : null;
    }
}
