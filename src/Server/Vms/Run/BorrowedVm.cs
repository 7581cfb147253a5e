using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>A VM in the hands of one job.</summary>
internal sealed class BorrowedVm(VmHost host, string id, VmSpec spec, VmWatch? watch, VmCommitted committed, VmCommits commits)
{
    private static readonly TimeSpan SettlePause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CachePatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan QuitPatience = TimeSpan.FromSeconds(10);

    public string Id => id;

    /// <summary>As it was when the job began.</summary>
    public VmSpec Spec => spec;

    /// <summary>As last committed, with the job's permit in it.</summary>
    public VmStatus Status => Committed.Status;

    /// <summary>The process with its monitor, which is the job's alone; null: the VM has none.</summary>
    public IVm? Vm { get; private set; } = watch?.Vm;

    /// <summary>Fires when an order to the VM, and not the operation's own cancelling, ends the job.</summary>
    public CancellationToken Overruled { get; init; }

    /// <summary>Whether there is no time to wait for a store that is away: the next daemon goes on.</summary>
    internal Func<bool> Ending { get; init; } = static () => false;

    internal VmCommitted Committed { get; private set; } = committed;

    /// <summary>The process that the job has ended.</summary>
    internal VmWatch? Ended { get; private set; }

    /// <summary>Lets the guest's CPUs run, through the one gate and with this job's permit.</summary>
    /// <exception cref="ContinueRefusedException">It is not for this job to decide.</exception>
    public Task GoOnAsync(CancellationToken cancellationToken) =>
        VmGate.ContinueAsync(Vm ?? throw new InvalidOperationException("A VM without a process cannot go on."), Status, cancellationToken);

    /// <summary>One commit of the VM's status in the midst of the job, with whatever else belongs to it. The permit stays.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was written.</exception>
    /// <exception cref="ProblemException">The VM is not this host's any more.</exception>
    public async Task CommitAsync(string label, Func<VmStatus, VmStatus> status, Action<StoreChange>? records = null, VmNews? news = null)
    {
        var report = new VmReport(label, status(Status)) { Records = records, News = news };
        var result = await commits.WriteAsync(new VmStep.Rest(), report, Committed, null, CancellationToken.None);
        while (result.Unsettled is { } unsettled && !Ending())
        {
            await Task.Delay(SettlePause, host.Time);
            result = await commits.SettleAsync(result.Step, unsettled, CancellationToken.None);
        }

        if (result.Committed is { } known)
        {
            Committed = known;
            // What is read next (the layers of disks above all) is read from the cache.
            await host.Cache.WaitForRevisionAsync(known.Revision, CachePatience);
        }
        else if (result.StoreAway) throw new StoreUnavailableException("The store cannot be written.");
        else throw ProblemException.Conflict("vm.overtaken", $"The records of VM '{spec.Name}' were changed by somebody else.", "Look at the VM, and ask again.");
    }

    /// <summary>Ends the process for good: why is committed first, so that its absence explains itself after any crash.</summary>
    public async Task EndAsync()
    {
        if (watch is null || Vm is null) return;
        await CommitAsync("vm.jobStopping", status => status with { State = VmState.Stopping, StopCause = StopCause.Request, PauseCause = null });
        await EndProcessAsync();
    }

    /// <summary>Ends the process whose end is explained by the status already.</summary>
    public async Task EndProcessAsync()
    {
        if (watch is null || Vm is null) return;
        using var deadline = new CancellationTokenSource(QuitPatience, host.Time);
        await VmEnding.EndAsync(watch.Vm, deadline.Token);
        Vm = null;
        Ended = watch;
    }
}
