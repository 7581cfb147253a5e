namespace Lamina.Server.Vms.Run;

/// <summary>
/// The work on a VM that is between two hosts, on one of them. While it is so, neither host follows its plan: the VM is whosever the store says, and
/// this alone acts on that. Handed to <see cref="HostVms.HoldAsync"/>.
/// </summary>
internal interface IVmHand
{
    /// <summary>Works until this host has nothing more to do with it; then the VM's plan goes on, if the VM is this host's.</summary>
    /// <param name="vm">The VM, for as long as this runs.</param>
    /// <param name="stopping">The daemon stops: leave everything as it is, the next start goes on.</param>
    Task RunAsync(HeldVm vm, CancellationToken stopping);
}

/// <summary>A hand that waits for its VM, or has it.</summary>
internal sealed class VmHold(IVmHand hand, CancellationToken stopping)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isDecided;

    public IVmHand Hand { get; } = hand;

    public CancellationToken Stopping { get; } = stopping;

    public Task Done => _done.Task;

    /// <summary>The VM in its hands; null: not yet.</summary>
    public HeldVm? Vm { get; set; }

    /// <summary>The VM is given into it. False: nobody waits for that any more.</summary>
    public bool TryBegin() => Interlocked.Exchange(ref _isDecided, 1) == 0;

    /// <summary>It does not wait for its VM any more; nothing where it has it.</summary>
    public void GiveUp()
    {
        if (Interlocked.Exchange(ref _isDecided, 1) == 0) _done.TrySetCanceled(Stopping);
    }

    public void Succeed() => _done.TrySetResult();

    public void Fail(Exception failure) => _done.TrySetException(failure);
}
