using Lamina.Api;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>Keeps a VM from starting, or its process from everybody else, while its disks are read. What follows from it is written by the operation's executor.</summary>
/// <param name="run">For whom.</param>
/// <param name="work">With the VM in hand.</param>
/// <param name="yields">Asked when the VM is lent: whether an order to it ends the job. Null: whoever wants to start the VM meanwhile waits, or cancels the copy.</param>
internal sealed class CopyJob(OperationRun run, Func<BorrowedVm, CancellationToken, Task> work, Func<bool>? yields = null) : IVmJob
{
    public VmJobKind Kind => VmJobKind.Copy;

    public OperationRun Operation => run;

    public bool YieldsToOrders => yields?.Invoke() ?? false;

    public async Task<VmJobEnd> RunAsync(BorrowedVm vm, CancellationToken cancellationToken)
    {
        await work(vm, cancellationToken);
        return new VmJobEnd { Outcome = null };
    }
}
