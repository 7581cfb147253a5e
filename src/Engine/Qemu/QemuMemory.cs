using System.Runtime.InteropServices;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>A guest's memory into a file and back, by QEMU's migration to an open descriptor.</summary>
internal sealed class QemuMemory(QemuMonitor monitor, EventWaiters waiters, TimeProvider time)
{
    private const string FdName = "memory";
    private const string Active = "active";
    private const string Completed = "completed";

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FinishInterval = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Streams the memory while the guest runs on, and ends with a guest that stands still in state <c>postmigrate</c>. A guest that writes its memory
    /// faster than the file takes it is stopped once as much as twice its memory has been written.
    /// </summary>
    public async Task SaveAsync(SafeHandle file, Action<int> onPercent, CancellationToken cancellationToken)
    {
        using var changed = waiters.Listen(IsEnd);
        await PrepareAsync(cancellationToken);
        await monitor.ExecuteAsync(QmpMigrationCommands.SetParameters, MigrationSettings.Of(new MigrationLimits()), cancellationToken);
        await monitor.ExecuteWithHandleAsync(QmpCommands.GetFd, new FdNameArguments { FdName = FdName }, file, cancellationToken);
        CrashPoints.Reached("qmp", "migrate", "before");
        await monitor.ExecuteAsync(QmpMigrationCommands.Migrate, new UriArguments { Uri = $"fd:{FdName}" }, cancellationToken);
        CrashPoints.Reached("qmp", "migrate", "after");
        try
        {
            await FollowAsync(changed, onPercent, cancellationToken);
        }
        catch (Exception)
        {
            await CancelAsync();
            throw;
        }
    }

    /// <summary>Brings the memory into a process that was started for it; its CPUs stand still afterwards.</summary>
    public async Task LoadAsync(SafeHandle file, CancellationToken cancellationToken)
    {
        using var changed = waiters.Listen(IsEnd);
        await PrepareAsync(cancellationToken);
        await monitor.ExecuteWithHandleAsync(QmpCommands.GetFd, new FdNameArguments { FdName = FdName }, file, cancellationToken);
        await monitor.ExecuteAsync(QmpMigrationCommands.Incoming, new UriArguments { Uri = $"fd:{FdName}" }, cancellationToken);
        CrashPoints.Reached("qmp", "migrate-incoming", "after");
        while (await StatusAsync(cancellationToken) is var info && info.Status != Completed)
        {
            Require(info);
            using var pause = new CancellationTokenSource(ProgressInterval, time);
            await changed.NextAsync(pause.Token, cancellationToken);
        }
    }

    public async Task AbandonAsync(CancellationToken cancellationToken)
    {
        if (await StatusAsync(cancellationToken) is { Status: "setup" or Active or "cancelling" or "device" }) await CancelAsync();
    }

    private async Task FollowAsync(EventWaiters.Waiter changed, Action<int> onPercent, CancellationToken cancellationToken)
    {
        var isStopped = false;
        while (true)
        {
            // The event is what ends the wait, and the guest stands still by then: no question may lengthen its pause.
            using (var pause = new CancellationTokenSource(ProgressInterval, time))
                if (await changed.NextAsync(pause.Token, cancellationToken)) break;
            var info = await StatusAsync(cancellationToken);
            if (info.Status == Completed) break;
            Require(info);
            if (info.Ram is not { Total: > 0 } ram) continue;
            onPercent((int)(100 * (ram.Total - ram.Remaining) / ram.Total));
            if (isStopped || info.Status != Active || ram.Transferred < 2 * ram.Total) continue;
            await monitor.ExecuteAsync(QmpCommands.Stop, QmpNothing.Instance, cancellationToken);
            isStopped = true;
        }

        await FinishAsync(cancellationToken);
    }

    /// <summary>QEMU tells the end of a migration a moment before it counts as over, and refuses <c>cont</c> ("Migration is not finalized yet") until then.</summary>
    private async Task FinishAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var state = (await monitor.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, cancellationToken)).Status;
            if (state == RunState.PostMigrate) return;
            Require(await StatusAsync(cancellationToken));
            if (state != RunState.FinishMigrate) return;
            await Task.Delay(FinishInterval, time, cancellationToken);
        }
    }

    private Task PrepareAsync(CancellationToken cancellationToken) =>
        monitor.ExecuteAsync(QmpMigrationCommands.SetCapabilities, MigrationSettings.ToFile, cancellationToken);

    private static bool IsEnd(QmpEvent happened) =>
        happened.Name == QmpMigrationEvents.Migration.Name && QmpMigrationEvents.Migration.Read(happened).Status is Completed or "failed" or "cancelled";

    private static void Require(MigrationInfo info)
    {
        if (info.Status is "failed" or "cancelled")
            throw new QmpErrorException(QmpMigrationCommands.Migrate.Name, "GenericError", info.ErrorDesc ?? $"the memory's way ended as {info.Status}");
    }

    private Task<MigrationInfo> StatusAsync(CancellationToken cancellationToken) =>
        monitor.ExecuteAsync(QmpMigrationCommands.Query, QmpNothing.Instance, cancellationToken);

    /// <summary>Before its end a cancelled migration lets the guest run on by itself; after it the gate is the way.</summary>
    private async Task CancelAsync()
    {
        using var patience = new CancellationTokenSource(CancelPatience, time);
        using var ended = waiters.Listen(IsEnd);
        await monitor.ExecuteAsync(QmpMigrationCommands.Cancel, QmpNothing.Instance, patience.Token);
        while (await StatusAsync(patience.Token) is { Status: "setup" or Active or "cancelling" or "device" })
        {
            using var pause = new CancellationTokenSource(ProgressInterval, time);
            await ended.NextAsync(pause.Token, patience.Token);
        }
    }
}
