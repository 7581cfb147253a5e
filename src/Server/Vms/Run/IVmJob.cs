using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// A long piece of work that borrows a VM, running or stopped: snapshot, suspend, restore, clone, export. While it works no step of the plan is
/// taken, so a stopped VM does not start and QMP is the job's alone. Handed to <see cref="HostVms.RunJobAsync"/>.
/// </summary>
/// <remarks>
/// The daemon may die at any line of it: the operation is then resumed by its executor, and the job is run again with
/// <see cref="OperationRun.IsResumed"/>; it looks for its effects, and completes or undoes them. Until then the permit in the VM's status
/// keeps everybody else off.
/// </remarks>
internal interface IVmJob
{
    VmJobKind Kind { get; }

    /// <summary>In hand of the caller. The job's end, the VM's status and the end of the permit are one commit.</summary>
    OperationRun Operation { get; }

    /// <summary>True: any order to the VM ends it (as a forced stop and a deletion always do). False: orders wait for its end.</summary>
    bool YieldsToOrders { get; }

    /// <summary>
    /// Works. When it is cancelled or fails it undoes what it did and throws: a <see cref="ProblemException"/> with words for people, or
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    /// <param name="vm">The VM, for as long as this runs.</param>
    /// <param name="cancellationToken">Somebody wants the operation or the VM to end, or the daemon stops.</param>
    Task<VmJobEnd> RunAsync(BorrowedVm vm, CancellationToken cancellationToken);
}

/// <summary>What is written at a job's end, in the commit that clears the permit.</summary>
internal sealed record VmJobEnd
{
    /// <summary>Changes the VM's status; null: as it is.</summary>
    public Func<VmStatus, VmStatus>? Status { get; init; }

    /// <summary>What else belongs to the end.</summary>
    public Action<StoreChange>? Records { get; init; }

    public VmNews? News { get; init; }

    /// <summary>How the operation ends with it; null: it goes on, and its executor ends it.</summary>
    public OperationOutcome? Outcome { get; init; } = OperationOutcome.Succeeded;
}
