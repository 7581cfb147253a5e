using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Maintenance.Plan;
using Lamina.Server.Migration;
using Lamina.Server.Operations;
using Lamina.Server.Store;

namespace Lamina.Server.Maintenance;

/// <summary>What the controllers of this room work with.</summary>
internal sealed record MaintenanceGround
{
    public required IStore Store { get; init; }
    public required Cache Cache { get; init; }
    public required OperationRuns Runs { get; init; }
    public required EventLog Events { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILoggerFactory Loggers { get; init; }

    public OperationRequests Requests => new(Time);
}

/// <summary>
/// Empties hosts and fills them again, while this daemon leads: as many migrations at once as the links are worth, over all hosts. What was begun stands in the
/// records of the VMs, so that the next leader goes on; what is to be done next follows from the records each time anew, so that a VM that starts
/// or is made meanwhile is seen too. No VM is tried for ever.
/// </summary>
internal sealed class EvacuationController(MaintenanceGround ground, Term term)
{
    private const string All = "all";

    /// <summary>How often the figures of migrations are looked at; they are written as often.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SettledAfter = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan SeePatience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, OperationRun> _runs = new(StringComparer.Ordinal);
    private readonly EvacuationEnd _end = new(ground, term);
    private EvacuationLinks _links = new();
    private volatile bool _isAtWork;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = new ControllerLoopOptions { Workers = 1 };
        await using var loop = new ControllerLoop("evacuations", ReconcileAsync, ground.Time, ground.Loggers.CreateLogger<EvacuationController>(), options);
        using var subscription = ground.Cache.Subscribe(Keys.Operations.Request, Keys.Operations.State, Keys.Vms.Spec, Keys.Vms.Assignment, Keys.Vms.Status, Keys.Vms.Handover, Keys.Hosts.Spec, Keys.Hosts.Status);
        _links = MeasuredLinks.Read(subscription.Start);
        try
        {
            await Task.WhenAll(loop.RunAsync(cancellationToken), loop.FollowAsync(subscription, KeyOf, _ => [All], cancellationToken));
        }
        finally
        {
            foreach (var run in _runs.Values) await run.DisposeAsync();
        }
    }

    /// <summary>While nothing is asked for, only a request wakes it.</summary>
    private string? KeyOf(CacheChange change) =>
        _isAtWork || (change.Is(Keys.Operations.Request, out _, out var request) && request is not null && EvacuationJob.Kinds.Contains(request.Record.Kind)) ? All : null;

    private async Task<Reconciled> ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        _isAtWork = true;
        var snapshot = ground.Cache.Snapshot;
        var open = EvacuationJob.Open(snapshot);
        _isAtWork = open.Count > 0;
        if (open.Count == 0) return Reconciled.Done;
        var targets = new EvacuationTargets(snapshot);
        // Of one host one thing at a time: an exit waits for the entry that it has cancelled.
        var views = open.DistinctBy(job => job.Host).Select(job => new View(job, Evacuees.Of(snapshot, job, targets))).Where(view => RunOf(view.Job) is not null).ToList();
        var passages = views.SelectMany(view => view.Vms).Where(vm => vm.State == EvacueeState.UnderWay).Select(vm => PassageOf(snapshot, vm)).ToList();
        _links = _links.Observe(passages);
        var waiting = views.Where(view => !view.Job.IsCancelled)
            .SelectMany(view => view.Vms.Where(vm => vm.State == EvacueeState.Waiting).Select(vm => (view.Job, Vm: vm)))
            .ToDictionary(wanted => wanted.Vm.Vm.Id, StringComparer.Ordinal);
        var next = EvacuationPlan.Next([.. waiting.Values.Select(wanted => EvacuationForecasts.DepartureOf(wanted.Vm))], passages, _links);
        foreach (var departure in next) await BeginAsync(snapshot, waiting[departure.Vm].Job, waiting[departure.Vm].Vm, cancellationToken);
        foreach (var view in views) await AdvanceAsync(snapshot, view, passages, cancellationToken);
        return Reconciled.After(LookInterval);
    }

    private OperationRun? RunOf(EvacuationJob job)
    {
        if (_runs.TryGetValue(job.Operation, out var known)) return known.State.IsEnded() ? null : known;
        if (ground.Runs.Begin(job.Operation, cancellable: true) is not { } run) return null;
        return _runs[job.Operation] = run;
    }

    private Passage PassageOf(CacheSnapshot snapshot, Evacuee vm)
    {
        var state = snapshot.Get(Keys.Operations.State, vm.Migration!)?.Record;
        var sent = state?.Transfer;
        // Also where the clock was set back since.
        bool isOld = state?.StartedAt is { } started && (ground.Time.GetUtcNow() - started).Duration() > SettledAfter;
        var passage = new Passage(vm.Vm.Id, vm.From, vm.To!, sent?.BytesPerSecond ?? 0, sent?.RemainingBytes ?? 0, false);
        return passage with { IsSettled = isOld && passage.BytesPerSecond > 0 && !passage.IsEnding };
    }

    private async Task BeginAsync(CacheSnapshot snapshot, EvacuationJob job, Evacuee vm, CancellationToken cancellationToken)
    {
        var change = new StoreChange("evacuation.move").During(term);
        var request = new MigrationRequest { To = vm.To!, WithStorage = job.WithStorage };
        var migration = Migrations.Prepare(change, ground.Requests, snapshot, vm.Vm, request, job.RequestedBy, ground.Time.GetUtcNow());
        change.Put(Keys.Vms.Departure, vm.Vm.Id, new VmDeparture
        {
            Operation = job.Operation,
            Migration = migration.Id,
            From = vm.From,
            To = vm.To!,
            Attempts = vm.Attempts + 1,
            Home = job.IsMaintenance ? job.Host : job.Kind == EvacuationJob.Exit ? job.Host : null,
        });
        string why = EvacuationWords.Why(snapshot, job, vm);
        ground.Events.Add(change, new EventDraft { Kind = "evacuation.move", Message = why, Target = new ObjectReference { Kind = "vm", Id = vm.Vm.Id, Name = vm.Name }, Project = vm.Vm.Record.Project, Operation = job.Operation });
        var result = (await change.CommitAsync(ground.Store, ground.Time, cancellationToken)).EnsureTerm();
        // Refused: something has changed since, and the next look sees it.
        if (result.Succeeded) _runs[job.Operation].Log(why);
        await ground.Cache.WaitForRevisionAsync(result.Revision, SeePatience, cancellationToken);
    }

    private async Task AdvanceAsync(CacheSnapshot snapshot, View view, IReadOnlyList<Passage> passages, CancellationToken cancellationToken)
    {
        var run = _runs[view.Job.Operation];
        bool isUnderWay = view.Vms.Any(vm => vm.State == EvacueeState.UnderWay);
        if (view.Job.IsCancelled)
        {
            if (isUnderWay) await CancelAsync(snapshot, view, cancellationToken);
            else await _end.CancelledAsync(snapshot, view, run, cancellationToken);
            return;
        }

        var waiting = view.Vms.Where(vm => vm.State == EvacueeState.Waiting).Select(EvacuationForecasts.DepartureOf).ToList();
        var own = passages.Where(passage => view.Vms.Any(vm => vm.Vm.Id == passage.Vm)).ToList();
        run.Report(EvacuationWords.Percent(view.Vms), EvacuationWords.Progress(view.Vms, EvacuationPlan.Forecast(waiting, own, _links)));
        if (isUnderWay || view.Vms.Any(vm => vm.State is EvacueeState.Waiting or EvacueeState.Passing)) return;
        await _end.AtRestAsync(snapshot, view, run, cancellationToken);
    }

    /// <summary>What has not been decided yet is taken back; a migration that has come further ends by itself.</summary>
    private async Task CancelAsync(CacheSnapshot snapshot, View view, CancellationToken cancellationToken)
    {
        foreach (var vm in view.Vms.Where(vm => vm.State == EvacueeState.UnderWay))
        {
            if (snapshot.Get(Keys.Operations.Request, vm.Migration!) is not { Record.CancelRequested: false } request) continue;
            var change = new StoreChange("evacuation.cancel").During(term).Update(Keys.Operations.Request, request.Id, request.Record with { CancelRequested = true }, request.ModRevision);
            (await change.CommitAsync(ground.Store, ground.Time, cancellationToken)).EnsureTerm();
        }
    }

    /// <summary>A job, and its VMs as they are now.</summary>
    internal sealed record View(EvacuationJob Job, IReadOnlyList<Evacuee> Vms);
}
