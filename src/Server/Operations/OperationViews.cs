using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Operations;

/// <summary>Joins an operation's two records.</summary>
internal static class OperationViews
{
    /// <summary>An operation without a state waits for its executor.</summary>
    public static Operation Of(string id, OperationRequest request, OperationState? state) => new()
    {
        Id = id,
        Project = request.Project,
        Request = request,
        State = state ?? new OperationState { Phase = OperationPhase.Pending, Cancellable = true },
    };

    /// <summary>Null: there is none.</summary>
    public static Operation? Get(CacheSnapshot snapshot, string id) =>
        snapshot.Get(Keys.Operations.Request, id) is { } request
            ? Of(id, request.Record, snapshot.Get(Keys.Operations.State, id)?.Record)
            : null;

    /// <summary>Requests of these kinds that have not ended, oldest first.</summary>
    public static IEnumerable<CachedRecord<OperationRequest>> Open(CacheSnapshot snapshot, params IReadOnlyList<string> kinds) => snapshot.All(Keys.Operations.Request)
        .Where(request => kinds.Contains(request.Record.Kind) && !(snapshot.Get(Keys.Operations.State, request.Id)?.Record).IsEnded())
        .OrderBy(request => request.Id, StringComparer.Ordinal);

    public static bool IsEnded(this OperationState? state) =>
        state?.Phase is OperationPhase.Succeeded or OperationPhase.Failed or OperationPhase.Cancelled;
}
