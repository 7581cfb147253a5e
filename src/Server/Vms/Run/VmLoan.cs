namespace Lamina.Server.Vms.Run;

/// <summary>A job that waits for its VM, or has it.</summary>
internal sealed class VmLoan(IVmJob job, CancellationToken cancellation)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IVmJob Job { get; } = job;

    /// <summary>The borrower's: nobody wants the job any more.</summary>
    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>Completes when the permit is cleared; fails as the job did, or because the VM cannot be had.</summary>
    public Task Done => _done.Task;

    public void Succeed() => _done.TrySetResult();

    public void Fail(Exception failure) => _done.TrySetException(failure);

    public void Cancel() => _done.TrySetCanceled(Cancellation);
}
