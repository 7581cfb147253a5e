using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>
/// QEMU's background jobs, each found by the id that its beginner gave it, so that a later daemon takes it up. One that has ended stays listed until it
/// is put away by <see cref="DismissAsync"/>: they are begun with <c>auto-dismiss</c> off.
/// </summary>
internal sealed class QemuJobs(QemuMonitor monitor, EventWaiters waiters, TimeProvider time)
{
    private const string Ready = "ready";
    private const string Concluded = "concluded";
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(30);

    /// <summary>Lets one node become a copy of another, and stay so. Any node, a file here or an export elsewhere, can be the target.</summary>
    public async Task BeginMirrorAsync(BlockdevMirrorArguments mirror, CancellationToken cancellationToken)
    {
        CrashPoints.Reached("qmp", "blockdev-mirror", "before");
        await monitor.ExecuteAsync(QmpJobCommands.BlockdevMirror, mirror, cancellationToken);
        CrashPoints.Reached("qmp", "blockdev-mirror", "after");
    }

    /// <summary>Null: there is none of this id, or it was put away.</summary>
    public async Task<JobInfo?> FindAsync(string job, CancellationToken cancellationToken) =>
        (await monitor.ExecuteAsync(QmpJobCommands.QueryJobs, QmpNothing.Instance, cancellationToken)).FirstOrDefault(info => info.Id == job);

    /// <summary>Waits until the job can be completed, or has ended.</summary>
    /// <exception cref="QmpErrorException">It has failed, and is put away.</exception>
    public async Task FollowAsync(string job, Action<int> onPercent, CancellationToken cancellationToken)
    {
        using var changed = ListenTo(job);
        while (await FindAsync(job, cancellationToken) is { Status: not (Ready or Concluded) } info)
        {
            if (info.TotalProgress > 0) onPercent((int)(100 * info.CurrentProgress / info.TotalProgress));
            await NextAsync(changed, cancellationToken);
        }

        await RequireAsync(job, cancellationToken);
    }

    /// <summary>Lets a job that is ready do its last step, and waits for its end. One that has ended, or is not there, is no error.</summary>
    /// <exception cref="QmpErrorException">It has failed, and is put away.</exception>
    public async Task CompleteAsync(string job, CancellationToken cancellationToken)
    {
        using var changed = ListenTo(job);
        if (await FindAsync(job, cancellationToken) is { Status: Ready })
            await monitor.ExecuteAsync(QmpJobCommands.JobComplete, new DeviceIdArguments { Id = job }, cancellationToken);
        CrashPoints.Reached("qmp", "job-complete", "after");
        await EndOfAsync(job, changed, cancellationToken);
        await RequireAsync(job, cancellationToken);
    }

    /// <summary>Gives the job up, and puts it away; whatever it is, it has ended afterwards. One that is not there is no error.</summary>
    public async Task CancelAsync(string job)
    {
        using var patience = new CancellationTokenSource(CancelPatience, time);
        using var changed = ListenTo(job);
        if (await FindAsync(job, patience.Token) is not { } info) return;
        if (info.Status != Concluded) await monitor.ExecuteAsync(QmpJobCommands.JobCancel, new DeviceIdArguments { Id = job }, patience.Token);
        CrashPoints.Reached("qmp", "job-cancel", "after");
        await EndOfAsync(job, changed, patience.Token);
        await DismissAsync(job, patience.Token);
    }

    /// <summary>Puts away what has ended; one that is not there is no error.</summary>
    public async Task DismissAsync(string job, CancellationToken cancellationToken)
    {
        if (await FindAsync(job, cancellationToken) is not null)
            await monitor.ExecuteAsync(QmpJobCommands.JobDismiss, new DeviceIdArguments { Id = job }, cancellationToken);
    }

    private async Task EndOfAsync(string job, EventWaiters.Waiter changed, CancellationToken cancellationToken)
    {
        while (await FindAsync(job, cancellationToken) is { Status: not Concluded }) await NextAsync(changed, cancellationToken);
    }

    private async Task RequireAsync(string job, CancellationToken cancellationToken)
    {
        if (await FindAsync(job, cancellationToken) is not { Status: Concluded, Error: { } error } info) return;
        await DismissAsync(job, cancellationToken);
        throw new QmpErrorException(info.Type, "GenericError", error);
    }

    private EventWaiters.Waiter ListenTo(string job) =>
        waiters.Listen(happened => happened.Name == QmpJobEvents.JobStatus.Name && QmpJobEvents.JobStatus.Read(happened).Id == job);

    private async Task NextAsync(EventWaiters.Waiter changed, CancellationToken cancellationToken)
    {
        using var pause = new CancellationTokenSource(ProgressInterval, time);
        await changed.NextAsync(pause.Token, cancellationToken);
    }
}
