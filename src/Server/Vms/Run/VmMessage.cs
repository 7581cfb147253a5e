using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>What comes into a runner's mailbox.</summary>
internal abstract record VmMessage
{
    /// <summary>Something may have changed in the store or the clock: look again.</summary>
    public sealed record Look : VmMessage;

    /// <summary>An operation names this VM.</summary>
    public sealed record Asked(string Operation, string Kind) : VmMessage;

    /// <summary>A job wants to borrow the VM.</summary>
    public sealed record Borrow(VmLoan Loan) : VmMessage;

    /// <summary>A hand-over wants the VM.</summary>
    public sealed record Hold(VmHold Wanted) : VmMessage;

    /// <summary>A hand-over has ended a process here and given back what it held; null: only remains were there.</summary>
    public sealed record Dropped(VmWatch? Watch) : VmMessage;

    /// <summary>A process was made. What it tells follows.</summary>
    public sealed record Attached(VmWatch Watch) : VmMessage;

    /// <summary>The remains of a process that died while no daemon was there.</summary>
    public sealed record FoundDead(VmDefinition Definition) : VmMessage;

    /// <summary>The engine tells of a process: an event, and the state as it was asked for then (null: as before, or no answer).</summary>
    public sealed record Told(VmWatch Watch, VmEvent? Event, RunState? State) : VmMessage
    {
        /// <summary>Asked for when a disk error holds the guest.</summary>
        public IReadOnlyList<DiskProblem> Problems { get; init; } = [];
    }

    /// <summary>The agent was asked.</summary>
    public sealed record Observed(VmWatch Watch, VmObservation Observation) : VmMessage;

    /// <summary>The pool of a guest that waits for room has some.</summary>
    public sealed record RoomAgain : VmMessage;

    /// <summary>The step in flight is over.</summary>
    public sealed record StepEnded(VmStepResult Result) : VmMessage;

    /// <summary>Its turn to start after a boot of the host.</summary>
    public sealed record AutostartDue : VmMessage;

    /// <summary>The host goes down.</summary>
    public sealed record HostStopping(HostStop Stop) : VmMessage;

    /// <summary>Root cuts the power without a store (decision 16).</summary>
    public sealed record CutPower(TaskCompletionSource Done) : VmMessage;
}
