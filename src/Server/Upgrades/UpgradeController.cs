using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Maintenance;
using Lamina.Server.Operations;

namespace Lamina.Server.Upgrades;

/// <summary>
/// Brings a version to all hosts, one after the other, while this daemon leads. What each host was asked for stands in the store as an operation of that host, so that the next leader, of
/// whichever version, goes on where this one ended: also this very daemon's own upgrade is only that.
/// </summary>
internal sealed class UpgradeController(MaintenanceGround ground, Term term)
{
    private const string All = "all";
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SeePatience = TimeSpan.FromSeconds(2);

    private readonly UpgradeAsks _asks = new(ground, term);
    private OperationRun? _run;
    private (string Words, long Since) _waiting = ("", 0);
    private volatile bool _isAtWork;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = new ControllerLoopOptions { Workers = 1 };
        await using var loop = new ControllerLoop("upgrade", ReconcileAsync, ground.Time, ground.Loggers.CreateLogger<UpgradeController>(), options);
        using var subscription = ground.Cache.Subscribe(Keys.Operations.Request, Keys.Operations.State, Keys.Hosts.Status, Keys.Hosts.Live);
        try
        {
            await Task.WhenAll(loop.RunAsync(cancellationToken), loop.FollowAsync(subscription, KeyOf, _ => [All], cancellationToken));
        }
        finally
        {
            if (_run is not null) await _run.DisposeAsync();
        }
    }

    /// <summary>While nothing is asked for, only a request wakes it.</summary>
    private string? KeyOf(CacheChange change) =>
        _isAtWork || (change.Is(Keys.Operations.Request, out _, out var request) && request?.Record.Kind == UpgradeJob.Kind) ? All : null;

    private async Task<Reconciled> ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        _isAtWork = true;
        var snapshot = ground.Cache.Snapshot;
        var job = UpgradeJob.Open(snapshot);
        _isAtWork = job is not null;
        if (job is null || RunOf(job) is not { } run) return Reconciled.Done;
        var hosts = UpgradeViews.Of(snapshot, job.Operation);
        switch (UpgradePlan.Next(hosts, job.Version, job.Evacuate, job.IsCancelled))
        {
            case UpgradeMove.Ask ask:
                foreach (var host in ask.Hosts) await AskAsync(snapshot, job, run, ask.Act, host, cancellationToken);
                break;
            case UpgradeMove.Wait wait:
                if (job.IsCancelled) await _asks.CancelChildrenAsync(snapshot, job, cancellationToken);
                if (HasWaitedTooLong(wait)) await EndAsync(snapshot, job, run, hosts, TooLong(wait), cancellationToken);
                else run.Report(Percent(hosts, job.Version), $"{hosts.Count(host => host.Version == job.Version)} of {hosts.Count} hosts have version {job.Version}; {wait.Words}");
                break;
            case UpgradeMove.End end:
                await EndAsync(snapshot, job, run, hosts, end.Failure, cancellationToken);
                break;
            default:
                await CancelledAsync(job, run, hosts, cancellationToken);
                break;
        }

        return Reconciled.After(LookInterval);
    }

    private OperationRun? RunOf(UpgradeJob job)
    {
        if (_run?.Id == job.Operation) return _run.State.IsEnded() ? null : _run;
        return _run = ground.Runs.Begin(job.Operation, cancellable: true);
    }

    private async Task AskAsync(CacheSnapshot snapshot, UpgradeJob job, OperationRun run, UpgradeAct act, UpgradeHost host, CancellationToken cancellationToken)
    {
        var result = await _asks.AskAsync(snapshot, job, act, host, cancellationToken);
        if (result is not { } commit) return;
        if (commit.Succeeded) run.Log(UpgradeWords.Why(job, act, host));
        await ground.Cache.WaitForRevisionAsync(commit.Revision, SeePatience, cancellationToken);
    }

    /// <summary>A new leader begins to count anew: it has not seen for how long that is so.</summary>
    private bool HasWaitedTooLong(UpgradeMove.Wait wait)
    {
        if (_waiting.Words != wait.Words) _waiting = (wait.Words, ground.Time.GetTimestamp());
        return wait.Patience is { } patience && ground.Time.GetElapsedTime(_waiting.Since) > patience;
    }

    private async Task EndAsync(CacheSnapshot snapshot, UpgradeJob job, OperationRun run, IReadOnlyList<UpgradeHost> hosts, Failure? failure, CancellationToken cancellationToken)
    {
        if (failure is not null) await _asks.CancelChildrenAsync(snapshot, job, cancellationToken);
        var change = new StoreChange("upgrade.end").During(term);
        ground.Events.Add(change, new EventDraft
        {
            Kind = failure is null ? "cluster.upgraded" : "cluster.upgradeHalted",
            Severity = failure is null ? EventSeverity.Information : EventSeverity.Error,
            Message = failure?.Message ?? $"All {hosts.Count} hosts have version {job.Version}.",
            Target = UpgradeJob.Target,
            Operation = job.Operation,
        });
        (await run.EndAsync(failure is null ? OperationOutcome.Succeeded : OperationOutcome.Failed(failure), change, cancellationToken)).EnsureTerm();
    }

    private async Task CancelledAsync(UpgradeJob job, OperationRun run, IReadOnlyList<UpgradeHost> hosts, CancellationToken cancellationToken)
    {
        var change = new StoreChange("upgrade.cancelled").During(term);
        ground.Events.Add(change, new EventDraft
        {
            Kind = "cluster.upgradeCancelled",
            Message = $"The upgrade to version {job.Version} was given up when {hosts.Count(host => host.Version == job.Version)} of {hosts.Count} hosts had it; they keep it, and work together with the others.",
            Target = UpgradeJob.Target,
            Operation = job.Operation,
        });
        (await run.EndAsync(OperationOutcome.Cancelled, change, cancellationToken)).EnsureTerm();
    }

    private static int Percent(IReadOnlyList<UpgradeHost> hosts, string version) => Math.Min(99, hosts.Count(host => host.Version == version) * 100 / Math.Max(hosts.Count, 1));

    private static Failure TooLong(UpgradeMove.Wait wait) => new()
    {
        Code = "upgrade.noReturn",
        Message = $"The upgrade halts: for {wait.Patience!.Value.TotalMinutes:0} minutes {wait.Words}.",
        Remedy = "Look at that host (journalctl -u lamina). Then ask again: hosts that have the version are left alone.",
    };
}
