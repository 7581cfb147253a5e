using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>Hands a VM to a job whose permit is on record, and writes the job's end and the permit's in one commit.</summary>
internal sealed class VmLender(VmHost host, string vmId, VmCommits commits)
{
    private static readonly TimeSpan CachePatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);

    public async Task<VmStepResult> LendAsync(VmStep.Lend step, VmLoan loan, VmStepContext context, CancellationToken cancellationToken)
    {
        var vm = new BorrowedVm(host, vmId, context.Wanted.Spec, context.Watch, context.Committed!, commits)
        {
            Overruled = cancellationToken,
            Ending = () => cancellationToken.IsCancellationRequested || IsStopping(loan),
        };
        var (end, failure) = await RunAsync(loan, vm, cancellationToken);
        var result = await WriteAsync(step, end, loan.Job, vm) with { Ended = vm.Ended };
        if (result.Committed is { } known) await host.Cache.WaitForRevisionAsync(known.Revision, CachePatience, CancellationToken.None);
        if (failure is not null) loan.Fail(failure);
        else if (result.Committed is null) loan.Fail(new StoreUnavailableException($"The end of the job of VM '{vm.Spec.Name}' could not be written."));
        else loan.Succeed();
        return result;
    }

    private static async Task<(VmJobEnd End, Exception? Failure)> RunAsync(VmLoan loan, BorrowedVm vm, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(loan.Cancellation, cancellationToken);
        try
        {
            return (await loan.Job.RunAsync(vm, either.Token), null);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !loan.Cancellation.IsCancellationRequested)
        {
            return (Failed, VmFailures.Overruled(vm.Spec.Name));
        }
        catch (Exception failure)
        {
            return (Failed, failure);
        }
    }

    /// <summary>The daemon stops: its executor waits for the job, and nobody cancelled it.</summary>
    private static bool IsStopping(VmLoan loan) => loan.Cancellation.IsCancellationRequested && !loan.Job.Operation.Cancelled.IsCancellationRequested;

    /// <summary>Its executor ends the operation, with the reason.</summary>
    private static VmJobEnd Failed => new() { Outcome = null };

    private async Task<VmStepResult> WriteAsync(VmStep step, VmJobEnd end, IVmJob job, BorrowedVm vm)
    {
        var status = (end.Status?.Invoke(vm.Status) ?? vm.Status) with { Job = null };
        var report = new VmReport("vm.jobEnd", status) { News = end.News, Outcome = end.Outcome, Records = end.Records };
        while (true)
        {
            var result = await commits.WriteAsync(step, report, vm.Committed, job.Operation, CancellationToken.None);
            while (result.Unsettled is { } unsettled && !vm.Ending())
            {
                await Task.Delay(StorePause, host.Time, CancellationToken.None);
                result = await commits.SettleAsync(step, unsettled, CancellationToken.None);
            }

            // What cannot be written now is taken up again by the operation's next executor, who finds the permit.
            if (!result.StoreAway || vm.Ending()) return result;
            await Task.Delay(StorePause, host.Time, CancellationToken.None);
        }
    }
}
