using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.Operations;

/// <summary>What to do with an operation that was under way when the daemon ended.</summary>
internal enum AfterRestart
{
    /// <summary>The handler is called again, with <see cref="OperationRun.IsResumed"/>: it looks for the effects of its steps and goes on.</summary>
    Resume,

    /// <summary>It fails as interrupted; what it left behind is the sweep's.</summary>
    Fail,
}

/// <summary>
/// Carries out the operations of this host whose kinds are registered, each on a task of its own, and while it leads those that are bound to no host. Rooms whose runners serve an operation
/// themselves (a VM's power) register it by <see cref="ServedElsewhere"/>.
/// </summary>
internal sealed partial class OperationExecutor(
    OperationRuns runs, Cache cache, EventLog events, string hostId, ILogger<OperationExecutor> logger)
{
    private readonly Dictionary<string, Handler?> _handlers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _tasks = new(StringComparer.Ordinal);

    /// <summary>Registers who carries out operations of a kind. Before <see cref="RunAsync"/>.</summary>
    /// <param name="kind">Noun and verb: <c>image.build</c>.</param>
    /// <param name="handler">
    /// Called once per operation and start of the daemon. Returning is success, unless it ended the run itself; an exception is the failure,
    /// in its words. The token fires on a request to cancel (then end as cancelled, or throw) and when the daemon stops.
    /// </param>
    /// <param name="cancellable">Whether it can be cancelled from the start.</param>
    /// <param name="afterRestart">What follows the daemon's end in its midst.</param>
    public void Register(
        string kind, Func<OperationRun, CancellationToken, Task> handler, bool cancellable = false, AfterRestart afterRestart = AfterRestart.Fail) =>
        _handlers.Add(kind, new Handler(handler, cancellable, afterRestart));

    /// <summary>Operations of this kind are carried out by a runner of their room, by way of <see cref="OperationRuns"/>.</summary>
    public void ServedElsewhere(params ReadOnlySpan<string> kinds)
    {
        foreach (string kind in kinds) _handlers.Add(kind, null);
    }

    /// <summary>Works until the daemon stops; handlers under way are told and waited for.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var subscription = cache.Subscribe(Keys.Operations.Request, Keys.Leader, Keys.RemovedHosts);
        foreach (var request in subscription.Start.All(Keys.Operations.Request)) Offer(request, subscription.Start, stopping);
        try
        {
            await foreach (var batch in subscription.ReadAllAsync(stopping))
            {
                foreach (var request in New(batch)) Offer(request, batch.Snapshot, stopping);
            }
        }
        finally
        {
            await Task.WhenAll(_tasks.Values);
        }
    }

    /// <summary>What is bound to no host, or to one that is no more, is the leader's: so all of it is looked at again when another one leads or a host goes.</summary>
    private static IEnumerable<CachedRecord<OperationRequest>> New(CacheBatch batch) => batch.Resync || batch.Changes.Any(change => change.Kind == Keys.Leader || change.Kind == Keys.RemovedHosts)
        ? batch.Snapshot.All(Keys.Operations.Request)
        : batch.Changes.Select(change => change.Is(Keys.Operations.Request, out _, out var after) ? after : null).OfType<CachedRecord<OperationRequest>>();

    private void Offer(CachedRecord<OperationRequest> request, CacheSnapshot snapshot, CancellationToken stopping)
    {
        bool isLost = request.Record.Host is { } bound && snapshot.Get(Keys.RemovedHosts, bound) is not null;
        if (!(isLost ? Leads(snapshot) : IsMine(request.Record, snapshot))) return;
        if (_handlers.TryGetValue(request.Record.Kind, out var handler) && handler is null && !isLost) return;
        if (snapshot.Get(Keys.Operations.State, request.Id)?.Record.IsEnded() == true) return;
        if (runs.Begin(request.Id, handler?.Cancellable ?? false) is not { } run) return;
        var task = Task.Run(() => isLost ? EndLostAsync(run, stopping) : CarryOutAsync(run, handler, stopping), CancellationToken.None);
        _tasks[request.Id] = task;
        _ = task.ContinueWith(_ => _tasks.TryRemove(request.Id, out Task? _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private bool IsMine(OperationRequest request, CacheSnapshot snapshot)
    {
        if (request.Host is { } host) return host == hostId;
        return Leads(snapshot);
    }

    /// <summary>As the records say; an only host is nobody's follower.</summary>
    private bool Leads(CacheSnapshot snapshot) =>
        snapshot.Get(Keys.Leader, "") is { } leader ? leader.Record.Host == hostId : snapshot.All(Keys.Hosts.Spec).All(known => known.Id == hostId);

    /// <summary>Its host was taken out of the cluster: nobody else knows how far it came.</summary>
    private async Task EndLostAsync(OperationRun run, CancellationToken stopping)
    {
        await using (run)
        {
            try
            {
                await EndAsync(run, OperationOutcome.Failed(HostRemoved(run)), stopping);
            }
            catch (Exception failure)
            {
                LogNotEnded(logger, run.Request.Kind, run.Id, failure);
            }
        }
    }


    private async Task CarryOutAsync(OperationRun run, Handler? handler, CancellationToken stopping)
    {
        RequestIds.Continue(run.Request.RequestId);
        await using (run)
        {
            try
            {
                if (await OutcomeAsync(run, handler, stopping) is { } outcome && !run.State.IsEnded()) await EndAsync(run, outcome, stopping);
            }
            catch (Exception failure)
            {
                // The store is away: the operation stays as it is, and the next start takes it up.
                LogNotEnded(logger, run.Request.Kind, run.Id, failure);
            }
        }
    }

    /// <summary>Null: the daemon stops, the operation waits for its next start.</summary>
    private async Task<OperationOutcome?> OutcomeAsync(OperationRun run, Handler? handler, CancellationToken stopping)
    {
        if (handler is null) return OperationOutcome.Failed(UnknownKind(run));
        if (run.IsResumed && handler.AfterRestart == AfterRestart.Fail) return OperationOutcome.Failed(Interrupted(run));
        if (!run.IsResumed && run.Cancelled.IsCancellationRequested) return OperationOutcome.Cancelled;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(run.Cancelled, stopping);
        try
        {
            await handler.Work(run, either.Token);
            return OperationOutcome.Succeeded;
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            return null;
        }
        catch (OperationCanceledException) when (run.Cancelled.IsCancellationRequested)
        {
            return OperationOutcome.Cancelled;
        }
        catch (Exception failure)
        {
            LogFailed(logger, run.Request.Kind, run.Id, failure);
            return OperationOutcome.Failed(failure);
        }
    }

    private async Task EndAsync(OperationRun run, OperationOutcome outcome, CancellationToken stopping)
    {
        var change = new StoreChange("operation.end");
        if (outcome.Failure is { } failure) events.Add(change, Event(run, outcome, failure));
        await run.EndAsync(outcome, change, stopping);
    }

    private static EventDraft Event(OperationRun run, OperationOutcome outcome, Failure failure)
    {
        bool cancelled = outcome.Phase == OperationPhase.Cancelled;
        string target = $"{run.Request.Target.Kind} '{run.Request.Target.Name ?? run.Request.Target.Id}'";
        return new EventDraft
        {
            Kind = cancelled ? "operation.cancelled" : "operation.failed",
            Severity = cancelled ? EventSeverity.Information : EventSeverity.Error,
            Message = $"{run.Request.Kind} of {target}: {failure.Message}",
            Target = run.Request.Target,
            Project = run.Request.Project,
            Operation = run.Id,
        };
    }

    private static Failure UnknownKind(OperationRun run) => new()
    {
        Code = "operation.unknownKind",
        Message = $"This daemon cannot carry out '{run.Request.Kind}'.",
        Remedy = "Bring all daemons to the same version.",
    };

    private static Failure HostRemoved(OperationRun run) => new()
    {
        Code = "operation.hostRemoved",
        Message = $"The host that carried out {run.Request.Kind} was removed from the cluster{(run.State.Message is { } message ? $" ({message})" : "")}.",
        Remedy = "See what has become of it, and ask for it again.",
    };

    private static Failure Interrupted(OperationRun run) => new()
    {
        Code = "operation.interrupted",
        Message = $"The daemon ended while {run.Request.Kind} was under way{(run.State.Message is { } message ? $" ({message})" : "")}.",
        Remedy = "Ask for it again.",
    };

    private sealed record Handler(Func<OperationRun, CancellationToken, Task> Work, bool Cancellable, AfterRestart AfterRestart);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} failed, operation {Operation}")]
    private static partial void LogFailed(ILogger logger, string kind, string operation, Exception failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "The end of {Kind} could not be written, operation {Operation}")]
    private static partial void LogNotEnded(ILogger logger, string kind, string operation, Exception failure);
}
