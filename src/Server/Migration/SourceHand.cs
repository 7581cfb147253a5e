using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Server.Control;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;
using MirrorState = Lamina.Server.Migration.Plan.MirrorState;

namespace Lamina.Server.Migration;

/// <summary>The source's hand: asks the table, does the step, looks again. Nothing it remembers is needed to be right after a restart.</summary>
internal sealed partial class SourceHand(MigrationGround ground, string vmId, VmHandover record, long revision) : IVmHand
{
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FaultPause = TimeSpan.FromSeconds(1);

    private readonly ILogger _logger = ground.Host.Loggers.CreateLogger<SourceHand>();
    private readonly HandoverFile _file = new(ground.Host, vmId, record, revision);
    private readonly HandoverClock<SourceQemu> _state = new(ground.Host.Time, SourceQemu.Unknown);
    private readonly HandoverClock<(bool Told, bool Completed)> _waited = new(ground.Host.Time, default);
    private readonly SourceStream _stream = new(ground, vmId);
    private OperationRun? _operation;
    private HeldVm _vm = null!;
    private Failure? _problem;
    private SourceQemu _seen;
    private bool _looksAgain;

    public void Wake() => _vm?.Wake();

    public async Task RunAsync(HeldVm vm, CancellationToken stopping)
    {
        _vm = vm;
        _operation = ground.Host.Operations.Begin(record.Operation, cancellable: true);
        await using var operation = _operation;
        using var cancelled = _operation?.Cancelled.Register(vm.Wake);
        while (true)
        {
            stopping.ThrowIfCancellationRequested();
            var step = MigrationPlan.Next(await LookAsync(stopping));
            if (step is MigrationStep.LetGo) return;
            try
            {
                if (step is not MigrationStep.Rest rest) await DoAsync(step, stopping);
                else await vm.WaitAsync(_looksAgain && (rest.For is null || rest.For > LookPause) ? LookPause : rest.For, stopping);
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !stopping.IsCancellationRequested)
            {
                LogFailed(_logger, vmId, step.GetType().Name, failure);
                if (failure is VmEngineException or QmpErrorException or ProblemException) _problem ??= VmWords.OfFailure(failure);
                await vm.WaitAsync(FaultPause, stopping);
            }
        }
    }

    private async Task<MigrationMoment> LookAsync(CancellationToken stopping)
    {
        var snapshot = ground.Now;
        _file.Read(snapshot);
        var word = _stream.Said(snapshot, record.Nonce);
        var target = snapshot.Get(Keys.Vms.HandoverTarget, vmId)?.Record is { } heard && heard.Nonce == record.Nonce ? heard : null;
        var seen = await _stream.SeeAsync(_vm, record, snapshot, stopping);
        _looksAgain = seen.Qemu is not (SourceQemu.AtRest or SourceQemu.Gone or SourceQemu.Idle) || seen.Mirrors == MirrorState.Filling || (seen.Qemu == SourceQemu.AtRest && (record.Disks.Count > 0 || record.Home is not null));
        _seen = seen.Qemu;
        if (_operation is not null) _stream.Report(_operation, record, seen.Qemu, target);
        return new MigrationMoment
        {
            Side = MigrationSide.Source,
            Phase = _file.Phase,
            Kind = record.Kind,
            StaysPaused = record.Paused,
            PostCopy = record.PostCopy,
            RecoverPatience = ground.RecoverPatience,
            Waited = _waited.Since((word is not null, word is { Completed: true })),
            Source = seen with { For = _state.Since(seen.Qemu), Word = word, Stop = StopOf(snapshot) },
            Target = new TargetSeen
            {
                Qemu = TargetQemu.Unknown,
                Word = target,
                HasTaken = snapshot.Get(Keys.Vms.Status, vmId)?.Record.Epoch == record.Epoch + 1,
            },
        };
    }

    /// <summary>Why it shall be given up. Whether it still can be is the store's to say.</summary>
    private Failure? StopOf(CacheSnapshot snapshot)
    {
        if (_operation is null || _operation.Cancelled.IsCancellationRequested) return MigrationFailures.Cancelled;
        if (_problem is { } problem) return problem;
        if (_stream.Problem is { } stuck) return stuck;
        if (snapshot.Get(Keys.Vms.Spec, vmId)?.Record is not { } spec || spec.Deleting is not null) return MigrationFailures.Overruled;
        return spec.Power.Request is { } request && request != snapshot.Get(Keys.Vms.Status, vmId)?.Record.Served ? MigrationFailures.Overruled : null;
    }

    private Task DoAsync(MigrationStep step, CancellationToken stopping)
    {
        CrashPoints.Reached("handover", "source", step.GetType().Name);
        return step switch
        {
            MigrationStep.Settle => _file.SettleAsync(),
            MigrationStep.TellDefinition => TellAsync(new HandoverSource { Nonce = record.Nonce, Definition = VmDefinitionFile.Write(_vm.Vm!.Definition) }),
            MigrationStep.TellCompleted => TellCompletedAsync(stopping),
            MigrationStep.TellAtSwitch => TellAtSwitchAsync(stopping),
            MigrationStep.PauseSource => _vm.Vm!.PauseAsync(stopping),
            MigrationStep.TellStanding => TellAsync(Said() with { Failed = true }),
            MigrationStep.TellEnded => TellAsync(Said() with { Ended = true }),
            MigrationStep.TellBroken => TellAsync(Said() with { Breaks = Said().Breaks + 1 }, change => MigrationNews.Broken(ground, change, vmId, record)),
            MigrationStep.Reconnect => _stream.ReconnectAsync(_vm.Vm!, stopping),
            MigrationStep.BreakStream => _vm.Vm!.BreakMigrationAsync(stopping),
            MigrationStep.BeginMirrors => _stream.BeginMirrorsAsync(_vm.Vm!, record, stopping),
            MigrationStep.BeginMigration => _stream.BeginAsync(_vm.Vm!, record, stopping),
            MigrationStep.StartPostCopy => _stream.StartPostCopyAsync(_vm.Vm!, stopping),
            MigrationStep.EndMirrors => _stream.EndMirrorsAsync(_vm.Vm!, record, stopping),
            MigrationStep.Switch => _vm.Vm!.ContinueSwitchoverAsync(stopping),
            MigrationStep.Abort abort => _file.DecideAsync(_file.Record with { Phase = HandoverPhase.Aborted, Failure = abort.Why }, static _ => { }),
            MigrationStep.Cancel => _stream.CancelAsync(_vm.Vm!, stopping),
            MigrationStep.ContinueSource => _vm.GoOnAsync(_file.Record, stopping),
            MigrationStep.TakeBack => TakeBackAsync(stopping),
            MigrationStep.KillSource => _vm.KillAsync(),
            MigrationStep.Finish => FinishAsync(stopping),
            _ => throw new InvalidOperationException($"{step} is no step of a source."),
        };
    }

    /// <summary>From here on the target may have it; the exports of its disks must be free by then.</summary>
    private async Task TellAtSwitchAsync(CancellationToken stopping)
    {
        if (record.Disks.Count > 0) await _vm.Vm!.CloseMirrorsAsync(stopping);
        _operation?.SetCancellable(false);
        await TellAsync(Said() with { AtSwitch = true }, change => MigrationNews.PostCopy(ground, change, vmId, record, _stream.PostCopyReason));
    }

    private async Task TellCompletedAsync(CancellationToken stopping)
    {
        // Its NBD nodes first: the target cannot end its exports before.
        if (_vm.Vm is { } living && record.Disks.Count > 0) await living.CloseMirrorsAsync(stopping);
        await TellAsync(Said() with { Completed = true });
    }

    private HandoverSource Said() => _stream.Said(ground.Now, record.Nonce) ?? new HandoverSource { Nonce = record.Nonce };

    private async Task TellAsync(HandoverSource word, Action<StoreChange>? news = null)
    {
        var change = new StoreChange("handover.source").OfGeneration(ground.Host.Generation).RequireExists(Keys.Vms.Handover[vmId]).Put(Keys.Vms.HandoverSource, vmId, word);
        news?.Invoke(change);
        var result = await change.CommitAsync(ground.Host.Store, ground.Host.Time);
        if (result.Succeeded) _stream.Word = word;
        else await ground.Host.Cache.WaitForRevisionAsync(result.Revision, FaultPause);
    }

    /// <summary>The same process goes on at the epoch that the hand-back gave.</summary>
    private async Task TakeBackAsync(CancellationToken stopping)
    {
        var living = _vm.Vm!;
        long epoch = record.Epoch + 2;
        if (living.Epoch < epoch) await living.AdoptEpochAsync(epoch, living.Run, stopping);
        if (ground.Now.Get(Keys.Vms.Status, vmId)?.Record.Epoch != epoch)
        {
            await ground.Host.Cache.WaitForRevisionAsync(_file.Revision, FaultPause, stopping);
            if (!await _vm.WriteAsync("vm.handedBack", status => status with { Host = ground.Host.HostId, Epoch = epoch, HostBootId = ground.Host.BootId }, null, stopping)) return;
        }

        // It was given back before the switch was through: QEMU goes on by itself then, at the epoch that it has now.
        if (_seen is SourceQemu.Moving or SourceQemu.PreSwitchover or SourceQemu.Device) await _stream.CancelAsync(living, stopping);
        await _vm.GoOnAsync(_file.Record, stopping);
    }

    private async Task FinishAsync(CancellationToken stopping)
    {
        var decided = _file.Record;
        bool isAnothers = _file.Phase is StorePhase.Committed or StorePhase.Outlived;
        if (decided.Phase == HandoverPhase.Committed) DeleteDeparted(decided);
        var snapshot = ground.Now;
        string name = snapshot.Get(Keys.Vms.Spec, vmId)?.Record.Name ?? vmId;
        var end = new MigrationEnd(decided, snapshot.Get(Keys.Vms.HandoverTarget, vmId)?.Record, _vm.Vm is not null);
        var change = end.Change(ground, vmId, name, _file.Revision);
        var outcome = end.Outcome(_stream.Result(decided));
        var result = _operation is { } run && !run.State.IsEnded()
            ? await run.EndAsync(outcome, change, stopping)
            : await change.CommitAsync(ground.Host.Store, ground.Host.Time, stopping);
        ground.Sender.Forget(decided.Nonce);
        await ground.Host.Cache.WaitForRevisionAsync(result.Revision, FaultPause, stopping);
        // Its process is dead, which is all that the other host waited for; what it held goes while nobody waits. A daemon that dies here leaves that to the sweep.
        if (isAnothers) await _vm.EndAsync();
    }

    /// <summary>The files lie on the other host now. While the hand-over is on record this is done again by whoever takes it up.</summary>
    private void DeleteDeparted(VmHandover decided)
    {
        try
        {
            ground.Arrivals.RemoveLeft(vmId, decided);
        }
        catch (Exception failure) when (failure is LinuxException or IOException or ProblemException)
        {
            // A pool that is away must not keep the guest's migration from ending: what stays there is listed among the orphans.
            LogNotDeleted(_logger, vmId, failure);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old files that have left with VM {Vm} could not all be deleted")]
    private static partial void LogNotDeleted(ILogger logger, string vm, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The hand-over of VM {Vm} failed at {Step}")]
    private static partial void LogFailed(ILogger logger, string vm, string step, Exception failure);
}
