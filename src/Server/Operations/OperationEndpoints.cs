using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Operations;

/// <summary><c>/v1/operations</c>. An operation is found by its id from any project: the caller's permission counts in its own.</summary>
internal sealed class OperationEndpoints(ApiServices services)
{
    private const int LongestWaitSeconds = 60;

    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Operation>(
        "operations", [Keys.Operations.Request, Keys.Operations.State], OperationViews.Get, operation => operation.Project, ApiJson.Default.Operation);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/operations", Permission.View, "Lists long jobs, oldest first", List)
            .Paged()
            .Filtered("kind", "phase", "target")
            .Answers(ApiJson.Default.PageOperation);
        api.Get("/v1/operations/{id}", Permission.SignedIn, "Shows a long job", ShowAsync)
            .Query("waitSeconds", $"Answer only when it has ended, or after so many seconds, 0 to {LongestWaitSeconds}.")
            .Answers(ApiJson.Default.Operation)
            .Problems("operation.notFound");
        api.Post("/v1/operations/{id}/cancel", Permission.SignedIn, "Asks for the end of a long job; it says itself when it has ended", CancelAsync)
            .Answers(ApiJson.Default.Operation)
            .Problems("operation.notFound", "operation.ended", "operation.notCancellable");
    }

    /// <summary>Fits <see cref="ApiServices.ShowOperation"/>.</summary>
    public static ApiAnswer? ShowAgain(ApiRequest request, string id) =>
        OperationViews.Get(request.Snapshot, id) is { } operation ? ApiAnswer.Accepted(operation) : null;

    private static ApiAnswer List(ApiRequest request)
    {
        var wanted = request.Snapshot.All(Keys.Operations.Request)
            .Where(found => request.Shows(found.Record.Project))
            .Select(found => OperationViews.Get(request.Snapshot, found.Id)!)
            .Where(operation => request.Passes("kind", operation.Request.Kind)
                && request.Passes("phase", operation.State!.Phase.ToString().ToLowerInvariant())
                && (request.Query("target") is null || request.Passes("target", operation.Request.Target.Name) || request.Passes("target", operation.Request.Target.Id)));
        // Ids are UUIDs of version 7: their order is that of time.
        return ApiAnswer.Ok(request.Page.Cut(wanted, operation => operation.Id), ApiJson.Default.PageOperation);
    }

    private async ValueTask<ApiAnswer> ShowAsync(ApiRequest request)
    {
        var operation = Find(request, request.Snapshot, Permission.View);
        if (request.QueryNumber("waitSeconds", 0, LongestWaitSeconds) is { } seconds and > 0 && !operation.State.IsEnded())
            operation = await WaitAsync(request, TimeSpan.FromSeconds(seconds));
        return ApiAnswer.Ok(operation, ApiJson.Default.Operation);
    }

    private async Task<Operation> WaitAsync(ApiRequest request, TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience, services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, request.Aborted, services.Stopping);
        using var subscription = services.Cache.Subscribe(Keys.Operations.State, Keys.Operations.Request);
        var snapshot = subscription.Start;
        try
        {
            if (Find(request, snapshot, Permission.View) is { State: var state } already && state.IsEnded()) return already;
            await foreach (var batch in subscription.ReadAllAsync(either.Token))
            {
                snapshot = batch.Snapshot;
                if (Find(request, snapshot, Permission.View) is { State: var now } ended && now.IsEnded()) return ended;
            }
        }
        catch (OperationCanceledException) when (!request.Aborted.IsCancellationRequested)
        {
            // As it is now.
        }

        return Find(request, snapshot, Permission.View);
    }

    private async ValueTask<ApiAnswer> CancelAsync(ApiRequest request)
    {
        var operation = Find(request, request.Snapshot, Permission.Operate);
        string what = $"{operation.Request.Kind} of {operation.Request.Target.Name ?? operation.Request.Target.Id}";
        if (operation.State.IsEnded()) throw ProblemException.Conflict("operation.ended", $"{what} has ended already.");
        if (!operation.State!.Cancellable) throw ProblemException.Conflict(
            "operation.notCancellable", $"{what} cannot be cancelled now.", "Wait until it ends.");
        if (operation.Request.CancelRequested) return ApiAnswer.Ok(operation, ApiJson.Default.Operation);
        var record = request.Snapshot.Get(Keys.Operations.Request, operation.Id)!;
        var asked = record.Record with { CancelRequested = true };
        var change = new StoreChange("operation.cancel").Update(Keys.Operations.Request, operation.Id, asked, record.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Ok(operation with { Request = asked }, ApiJson.Default.Operation), operation.Request.Target);
    }

    /// <summary>One that may not be seen is not there.</summary>
    private static Operation Find(ApiRequest request, CacheSnapshot snapshot, Permission permission)
    {
        string id = request.Route("id");
        var operation = OperationViews.Get(snapshot, id);
        if (operation is null || !request.Caller.May(Permission.View, operation.Project)) throw new ProblemException(
            ProblemKind.NotFound, "operation.notFound", $"There is no operation '{id}'.", "Ended operations are kept for some days; see 'lamina operation list'.");
        request.Caller.Require(permission, operation.Project);
        return operation;
    }
}
