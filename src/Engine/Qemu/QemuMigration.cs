using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>What is known of a migration, on either side: from QEMU's events, which come even when it answers nothing, and from asking.</summary>
internal sealed class QemuMigration(QemuMonitor monitor, EventWaiters waiters, OutOfBandLine line, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FinishInterval = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private volatile MigrationPhase _phase;
    private Task<MigrationInfo>? _asked;

    /// <summary>What was heard last.</summary>
    public MigrationPhase Phase => _phase;

    public void Receive(QmpEvent received)
    {
        if (received.Name == QmpMigrationEvents.Migration.Name) _phase = MigrationPhases.Parse(QmpMigrationEvents.Migration.Read(received).Status);
    }

    public EventWaiters.Waiter Listen() => waiters.Listen(received => received.Name == QmpMigrationEvents.Migration.Name);

    public async Task<MigrationState> QueryAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            if (await AskAsync(cancellationToken) is not { } info) return new MigrationState { Phase = Phase };
            await KeepLineAsync(MigrationPhases.Parse(info.Status), either.Token);
            // It speaks: the other questions are put at once, for the guest may stand still meanwhile.
            var jobs = monitor.ExecuteAsync(QmpJobCommands.QueryJobs, QmpNothing.Instance, either.Token);
            var exports = monitor.ExecuteAsync(QmpMigrationCommands.QueryExports, QmpNothing.Instance, either.Token);
            var status = StatusAsync(info, either.Token);
            await Task.WhenAll(jobs, exports, status);
            return new MigrationState
            {
                Phase = MigrationPhases.Parse(info.Status), Guest = (await status).Status, Error = info.ErrorDesc, Progress = Progress(info),
                Mirrors = QemuMirrors.States(await jobs), Exports = QemuTarget.Slots(await exports), Blockers = info.BlockedReasons ?? [],
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new MigrationState { Phase = Phase };
        }
    }

    /// <summary>It has begun and is not over: what it uses must stay.</summary>
    public async Task<bool> IsUnderWayAsync(CancellationToken cancellationToken)
    {
        var phase = await AskAsync(cancellationToken) is { } info ? MigrationPhases.Parse(info.Status) : Phase;
        return phase is not (MigrationPhase.None or MigrationPhase.Completed or MigrationPhase.Failed or MigrationPhase.Cancelled);
    }

    // A daemon that has just started has lost the second line, and will need it when QEMU takes up no other any more: opened while it does.
    private async Task KeepLineAsync(MigrationPhase phase, CancellationToken cancellationToken)
    {
        if (phase is MigrationPhase.None or MigrationPhase.Completed or MigrationPhase.Failed or MigrationPhase.Cancelled) return;
        try
        {
            await line.OpenAsync(cancellationToken);
        }
        catch (QmpClosedException)
        {
            // Tried again with the next question.
        }
    }

    // A source that is done still passes for one that finishes, a moment long: nobody may take that for another state.
    private async Task<StatusInfo> StatusAsync(MigrationInfo info, CancellationToken cancellationToken)
    {
        while (true)
        {
            var status = await monitor.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, cancellationToken);
            if (status.Status != RunState.FinishMigrate || MigrationPhases.Parse(info.Status) != MigrationPhase.Completed) return status;
            await Task.Delay(FinishInterval, time, cancellationToken);
        }
    }

    /// <summary>Null: QEMU is mute. A question that it has not answered yet is not put twice.</summary>
    public async Task<MigrationInfo?> AskAsync(CancellationToken cancellationToken)
    {
        Task<MigrationInfo> asked;
        lock (_lock)
        {
            if (_asked is not { IsCompleted: false }) _asked = monitor.ExecuteAsync(QmpMigrationCommands.Query, QmpNothing.Instance, CancellationToken.None);
            asked = _asked;
        }

        try
        {
            return await asked.WaitAsync(Patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    public async Task<MigrationPhase> FollowAsync(Action<MigrationProgress>? onProgress, CancellationToken cancellationToken)
    {
        using var changed = Listen();
        while (true)
        {
            var info = await AskAsync(cancellationToken);
            var phase = info == null ? Phase : MigrationPhases.Parse(info.Status);
            if (phase.NeedsCaller()) return phase;
            if (info != null && Progress(info) is { } progress) onProgress?.Invoke(progress);
            if (await NextAsync(changed, cancellationToken) is { } next && next.NeedsCaller()) return next;
        }
    }

    /// <summary>Waits until the phase is another one, or has ended in one of those.</summary>
    public async Task<MigrationPhase> LeaveAsync(EventWaiters.Waiter changed, Func<MigrationPhase, bool> isLeft, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await NextAsync(changed, cancellationToken) is { } next && isLeft(next)) return next;
            if (await AskAsync(cancellationToken) is { } info && MigrationPhases.Parse(info.Status) is var asked && isLeft(asked)) return asked;
        }
    }

    /// <summary>Breaks the connections of the memory to the other side, by the second line.</summary>
    public async Task BreakAsync(CancellationToken cancellationToken)
    {
        var client = await line.OpenAsync(cancellationToken);
        var instances = await client.ExecuteOutOfBandAsync(QmpMigrationCommands.QueryYank, QmpNothing.Instance, cancellationToken);
        YankInstance[] ours = [.. instances.Where(instance => instance.Type == "migration")];
        if (ours.Length > 0)
            await client.ExecuteOutOfBandAsync(QmpMigrationCommands.Yank, new YankArguments { Instances = ours }, cancellationToken);
    }

    // Null: nothing was told for a while.
    private async Task<MigrationPhase?> NextAsync(EventWaiters.Waiter changed, CancellationToken cancellationToken)
    {
        using var pause = new CancellationTokenSource(ProgressInterval, time);
        return await changed.NextAsync(pause.Token, cancellationToken) ? Phase : null;
    }

    private static MigrationProgress? Progress(MigrationInfo info) => info.Ram is not { } ram ? null : new MigrationProgress
    {
        Phase = MigrationPhases.Parse(info.Status), TransferredBytes = ram.Transferred, RemainingBytes = ram.Remaining, TotalBytes = ram.Total,
        DirtyBytesPerSecond = ram.DirtyPagesRate * ram.PageSize, BytesPerSecond = (long)(ram.Mbps * 1_000_000 / 8), Passes = ram.DirtySyncCount,
        ThrottlePercent = (int)(info.CpuThrottlePercentage ?? 0), PostCopyRequests = ram.PostcopyRequests, ElapsedMs = info.TotalTime ?? 0,
        ExpectedDowntimeMs = info.ExpectedDowntime, DowntimeMs = info.Downtime,
    };
}
