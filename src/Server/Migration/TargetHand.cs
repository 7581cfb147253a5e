using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Server.Control;
using Lamina.Server.Migration.Cold;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Store;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;
using ContentState = Lamina.Server.Migration.Plan.ContentState;

namespace Lamina.Server.Migration;

/// <summary>The target's hand: asks the table, does the step, looks again. Nothing it remembers is needed to be right after a restart.</summary>
internal sealed partial class TargetHand(MigrationGround ground, string vmId, VmHandover record, long revision) : IVmHand
{
    private static readonly TimeSpan FaultPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MonitorPatience = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = ground.Host.Loggers.CreateLogger<TargetHand>();
    private readonly HandoverFile _file = new(ground.Host, vmId, record, revision);
    private readonly HandoverClock<TargetQemu> _state = new(ground.Host.Time, TargetQemu.Unknown);
    private readonly HandoverClock<bool> _refusing = new(ground.Host.Time, false);
    private readonly Arrival _arrival = new(ground, vmId);
    private ColdFetch _fetch = null!;
    private HeldVm _vm = null!;
    private HandoverTarget? _word;
    private bool _refused;
    private bool? _mayHaveRun;
    private bool _undone;

    public void Wake() => _vm?.Wake();

    public async Task RunAsync(HeldVm vm, CancellationToken stopping)
    {
        _vm = vm;
        _fetch = new ColdFetch(ground, vmId, record, Wake);
        try
        {
            await HoldAsync(vm, stopping);
        }
        finally
        {
            await _fetch.EndAsync();
        }
    }

    private async Task HoldAsync(HeldVm vm, CancellationToken stopping)
    {
        TargetQemu? known = null;
        while (true)
        {
            stopping.ThrowIfCancellationRequested();
            var moment = await LookAsync(known, stopping);
            var step = MigrationPlan.Next(moment);
            if (step is MigrationStep.LetGo && moment.Phase == StorePhase.Committed) ground.Arrivals.Forget(vmId);
            if (step is MigrationStep.LetGo || (step is MigrationStep.Undo && _undone && moment.Phase == StorePhase.Gone)) return;
            try
            {
                if (step is MigrationStep.Rest rest) await vm.WaitAsync(rest.For, stopping);
                else if (step is MigrationStep.Undo && _undone) await vm.WaitAsync(null, stopping);
                else await DoAsync(step, stopping);
                // COMMIT does nothing to QEMU, and the guest stands still until the next step.
                known = step is MigrationStep.Commit && moment.Target.Qemu == TargetQemu.Loaded ? TargetQemu.Loaded : null;
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !stopping.IsCancellationRequested)
            {
                known = null;
                LogFailed(_logger, vmId, step.GetType().Name, failure);
                await vm.WaitAsync(FaultPause, stopping);
            }
        }
    }

    /// <param name="known">What QEMU is known to be, and need not be asked; null: it is asked.</param>
    /// <param name="stopping">The daemon ends.</param>
    private async Task<MigrationMoment> LookAsync(TargetQemu? known, CancellationToken stopping)
    {
        var snapshot = ground.Now;
        _file.Read(snapshot);
        var said = snapshot.Get(Keys.Vms.HandoverSource, vmId)?.Record is { } word && word.Nonce == record.Nonce ? word : null;
        var told = _word ?? (snapshot.Get(Keys.Vms.HandoverTarget, vmId)?.Record is { } own && own.Nonce == record.Nonce ? own : null);
        var (qemu, state) = known is { } asBefore && _vm.Vm is not null ? (asBefore, null) : await SeeAsync(stopping);
        if ((_vm.Vm?.Definition ?? _vm.Remains) is { } definition) _mayHaveRun = !definition.MigratesIn;
        bool isMine = snapshot.Get(Keys.Vms.Assignment, vmId)?.Record.Host == ground.Host.HostId;
        var status = _vm.Committed?.Status is { } written && written.Epoch == record.Epoch + 1 ? written : snapshot.Get(Keys.Vms.Status, vmId)?.Record;
        bool hasTaken = isMine && status?.Epoch == record.Epoch + 1;
        return new MigrationMoment
        {
            Side = MigrationSide.Target,
            Phase = _file.Phase,
            Kind = record.Kind,
            StaysPaused = record.Paused,
            PostCopy = record.PostCopy,
            RecoverPatience = ground.RecoverPatience,
            Source = new SourceSeen { Qemu = SourceQemu.Unknown, Word = said },
            Target = new TargetSeen
            {
                Qemu = qemu,
                For = _state.Since(qemu),
                Word = told,
                // Without the run's record, a reboot of this host lies in between: then nobody can tell. One that stays paused does not run before the VM is this host's.
                MayHaveRun = !record.Paused && (_mayHaveRun ?? true),
                HasDisks = record.Paused && _mayHaveRun == true,
                RefusedFor = _refused ? _refusing.Since(_refused) : null,
                Content = record.Kind == HandoverKind.Cold ? _fetch.State : ContentState.NotNeeded,
                ContentFailure = _fetch.Failure,
                IsWhole = known is TargetQemu.Loaded || state?.Phase == MigrationPhase.Completed,
                IsMute = state is { Guest: null },
                HasTaken = hasTaken,
                HasEnded = hasTaken && status?.State == VmState.Stopped,
                IsOverruled = IsOverruled(snapshot, status),
            },
        };
    }

    /// <summary>To be ended at once, which needs nothing of its memory.</summary>
    private bool IsOverruled(CacheSnapshot snapshot, VmStatus? status)
    {
        if (snapshot.Get(Keys.Vms.Spec, vmId)?.Record is not { } spec || spec.Deleting is not null) return true;
        return spec.Power.Request is { } request && request != status?.Served && snapshot.Get(Keys.Operations.Request, request)?.Record.Kind == VmOperations.Stop;
    }

    private async Task<(TargetQemu Qemu, MigrationState? State)> SeeAsync(CancellationToken stopping)
    {
        if (_vm.Vm is not { } living) return (_vm.Remains is null ? TargetQemu.None : TargetQemu.Gone, null);
        try
        {
            using var deadline = new CancellationTokenSource(MonitorPatience, ground.Host.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stopping);
            var state = await living.QueryMigrationAsync(either.Token);
            return (MigrationChoices.TargetQemuOf(state), state);
        }
        catch (Exception silent) when (silent is QmpClosedException or QmpErrorException or QmpProtocolException || (silent is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            return (_vm.Vm is null ? TargetQemu.Gone : TargetQemu.Unknown, null);
        }
    }

    private Task DoAsync(MigrationStep step, CancellationToken stopping)
    {
        CrashPoints.Reached("handover", "target", step.GetType().Name);
        return step switch
        {
            MigrationStep.Settle => _file.SettleAsync(),
            MigrationStep.Build => BuildAsync(stopping),
            MigrationStep.TellFailed failed => TellAsync(Said() with { State = HandoverTargetState.Failed, Failure = failed.Why }, null),
            MigrationStep.TellWhole => TellWholeAsync(stopping),
            MigrationStep.BreakStream => _vm.Vm!.BreakMigrationAsync(stopping),
            MigrationStep.Fetch => Fetch(),
            MigrationStep.Commit => CommitAsync(stopping),
            MigrationStep.ContinueTarget => EnterAsync(_vm.GoOnAsync, stopping),
            MigrationStep.HoldTarget => EnterAsync(_vm.TakeHaltedAsync, stopping),
            MigrationStep.Done => DoneAsync(stopping),
            MigrationStep.ReportCrash crash => ReportCrashAsync(crash.MemoryLost, stopping),
            MigrationStep.HandBack => HandBackAsync(),
            MigrationStep.KillTarget => _vm.KillAsync(),
            MigrationStep.Undo => UndoAsync(),
            MigrationStep.Recover => RecoverAsync(stopping),
            _ => throw new InvalidOperationException($"{step} is no step of a target."),
        };
    }

    /// <summary>QEMU from the source's definition, listening; or why not.</summary>
    private async Task BuildAsync(CancellationToken stopping)
    {
        HandoverTarget word;
        SecretRecord? secret = null;
        try
        {
            await _vm.EndAsync();
            (word, secret) = await _arrival.BuildAsync(_vm, record, stopping);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            LogFailed(_logger, vmId, nameof(MigrationStep.Build), failure);
            word = new HandoverTarget { Nonce = record.Nonce, State = HandoverTargetState.Failed, Failure = VmWords.OfFailure(failure) };
        }

        await TellAsync(word, secret);
    }

    private Task Fetch()
    {
        _fetch.Begin();
        return Task.CompletedTask;
    }

    private HandoverTarget Said() => _word
        ?? (ground.Now.Get(Keys.Vms.HandoverTarget, vmId)?.Record is { } said && said.Nonce == record.Nonce ? said : new HandoverTarget { Nonce = record.Nonce, State = HandoverTargetState.Failed });

    private async Task RecoverAsync(CancellationToken stopping)
    {
        int breaks = ground.Now.Get(Keys.Vms.HandoverSource, vmId)!.Record.Breaks;
        var endpoint = await _arrival.RecoverAsync(_vm.Vm!, record, stopping);
        await TellAsync(Said() with { Address = endpoint.Address, Port = endpoint.Port, Recoveries = breaks }, null);
    }

    private async Task TellWholeAsync(CancellationToken stopping)
    {
        await _vm.Vm!.StopListeningAsync(stopping);
        await TellAsync(Said() with { State = HandoverTargetState.Whole }, null);
    }

    private async Task TellAsync(HandoverTarget word, SecretRecord? secret)
    {
        var change = new StoreChange("handover.target").OfGeneration(ground.Host.Generation).RequireExists(Keys.Vms.Handover[vmId]).Put(Keys.Vms.HandoverTarget, vmId, word);
        if (secret is not null) change.Put(Keys.Secrets, word.Secret!, secret);
        var result = await change.CommitAsync(ground.Host.Store, ground.Host.Time);
        if (result.Succeeded) _word = word;
        if (!result.Succeeded || word.State != HandoverTargetState.Listening) await ground.Host.Cache.WaitForRevisionAsync(result.Revision, FaultPause);
    }

    /// <summary>From its known success on the VM is this host's.</summary>
    private async Task CommitAsync(CancellationToken stopping)
    {
        // Exports must have ended before another may be the owner of what they offer; all else can wait until the guest runs.
        if (record is { Kind: HandoverKind.Live, Disks.Count: > 0 }) await _vm.Vm!.StopListeningAsync(stopping);
        var snapshot = ground.Now;
        if (snapshot.Get(Keys.Vms.Assignment, vmId) is not { } assignment || snapshot.Get(Keys.Hosts.Status, ground.Host.HostId) is not { } self || self.Record.Incarnation != ground.Host.Incarnation) return;
        var next = _arrival.Moved(_file.Record) with { Phase = HandoverPhase.Committed };
        await _file.DecideAsync(next, change =>
        {
            change.Require(Keys.Hosts.Status[ground.Host.HostId], self.ModRevision)
                .Update(Keys.Vms.Assignment, vmId, new VmAssignment { Host = ground.Host.HostId, Epoch = record.Epoch + 1, Cause = AssignmentCause.Handover }, assignment.ModRevision);
            _arrival.PutDisks(change, next);
            if (record.Home is { } home && snapshot.Get(Keys.Vms.Spec, vmId) is { } spec) change.Update(Keys.Vms.Spec, vmId, spec.Record with { HomePool = home.To }, spec.ModRevision);
            if (record.Kind == HandoverKind.Cold && snapshot.Get(Keys.Vms.Status, vmId) is { } status)
                change.Update(Keys.Vms.Status, vmId, status.Record with { Host = ground.Host.HostId, Epoch = record.Epoch + 1, HostBootId = ground.Host.BootId }, status.ModRevision);
        });
        // A VM at rest is this host's with that: whoever looks next shall see it.
        if (record.Kind == HandoverKind.Cold) await ground.Host.Cache.WaitForRevisionAsync(_file.Revision, FaultPause, stopping);
    }

    /// <summary>The engine takes the mark from the run's record before it sends <c>cont</c>, and sets it again when that is refused.</summary>
    private async Task EnterAsync(Func<VmHandover, CancellationToken, Task> enter, CancellationToken stopping)
    {
        // In post-copy QEMU may wait for a page of the guest meanwhile, and answer when it is there.
        using var deadline = new CancellationTokenSource(record.PostCopy ? MonitorPatience : Timeout.InfiniteTimeSpan, ground.Host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stopping);
        try
        {
            await enter(_file.Record, either.Token);
            await _vm.Vm!.AnnounceAsync(either.Token);
            if (record is { PostCopy: false, Disks.Count: 0 }) await _vm.Vm!.StopListeningAsync(either.Token);
        }
        catch (QmpErrorException refusal)
        {
            LogRefused(_logger, vmId, refusal.Message);
            _refused = true;
            _refusing.Since(true);
            await _vm.WaitAsync(MigrationPlan.ContinuePause, stopping);
        }
    }

    private Task DoneAsync(CancellationToken stopping) => TakeAsync(
        "vm.migrated.done",
        status => status with { State = record.Paused ? VmState.Paused : VmState.Running, PauseCause = record.Paused ? PauseCause.Request : null, StopCause = null },
        null,
        stopping);

    private async Task ReportCrashAsync(bool memoryLost, CancellationToken stopping)
    {
        var spec = ground.Now.Get(Keys.Vms.Spec, vmId)?.Record;
        string why = memoryLost ? "its memory was lost with the connection between the hosts" : "its process has ended just after it came from another host";
        var news = new VmNews(EventSeverity.Error, "vm.crashed", $"VM '{spec?.Name}' has crashed: {why}.");
        await TakeAsync("vm.crashed", status => VmRestart.Ended(status with { Memory = null }, StopCause.Crash, spec?.Restart ?? RestartPolicy.Never, ground.Host.Time.GetUtcNow()), news, stopping);
        await _vm.EndAsync();
    }

    /// <summary>DONE: the VM's status is this host's from here on.</summary>
    private async Task TakeAsync(string label, Func<VmStatus, VmStatus> how, VmNews? news, CancellationToken stopping)
    {
        await ground.Host.Cache.WaitForRevisionAsync(_file.Revision, FaultPause, stopping);
        _arrival.Arrived(_file.Record);
        ground.Host.Resources.KeepArrivedTpm(vmId, ground.Now.Get(Keys.Vms.Spec, vmId)?.Record);
        await _vm.WriteAsync(label, status => how(status with { Host = ground.Host.HostId, Epoch = record.Epoch + 1, HostBootId = ground.Host.BootId, Job = null }), news, stopping);
    }

    private Task HandBackAsync()
    {
        var next = _file.Record with { Phase = HandoverPhase.HandedBack, Failure = MigrationFailures.ContinueRefused };
        return _file.DecideAsync(next, change =>
        {
            // Both keys were last written by the COMMIT, in one transaction.
            change.Update(Keys.Vms.Assignment, vmId, new VmAssignment { Host = record.From, Epoch = record.Epoch + 2, Cause = AssignmentCause.Handover }, _file.Revision);
            Arrival.PutDisksBack(change, next);
            if (record.Home is { } home && ground.Now.Get(Keys.Vms.Spec, vmId) is { } spec) change.Update(Keys.Vms.Spec, vmId, spec.Record with { HomePool = home.From }, spec.ModRevision);
        });
    }

    private async Task UndoAsync()
    {
        await _vm.EndAsync();
        await _fetch.EndAsync();
        ground.Host.Resources.RemoveArrivedTpm(vmId, ground.Now.Get(Keys.Vms.Spec, vmId)?.Record);
        ground.Arrivals.Remove(vmId);
        _undone = true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The hand-over of VM {Vm} failed at {Step}")]
    private static partial void LogFailed(ILogger logger, string vm, string step, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "VM {Vm} was refused to run here: {Reason}")]
    private static partial void LogRefused(ILogger logger, string vm, string reason);
}
