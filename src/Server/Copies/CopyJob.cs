using Lamina.Api;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>Keeps a VM from starting, or its process from everybody else, while its disks are read. What follows from it is written by the operation's executor.</summary>
internal sealed class CopyJob(OperationRun run, Func<BorrowedVm, CancellationToken, Task> work) : IVmJob
{
    public VmJobKind Kind => VmJobKind.Copy;

    public OperationRun Operation => run;

    /// <summary>Whoever wants to start the VM meanwhile waits, or cancels the copy.</summary>
    public bool YieldsToOrders => false;

    public async Task<VmJobEnd> RunAsync(BorrowedVm vm, CancellationToken cancellationToken)
    {
        await work(vm, cancellationToken);
        return new VmJobEnd { Outcome = null };
    }
}
