using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

/// <summary>The next thing to do for one VM. Each is safe to repeat: the daemon may die before, in or after it.</summary>
internal abstract record VmStep
{
    /// <summary>Nothing, until something happens or <paramref name="For"/> is over (null: only when something happens).</summary>
    public sealed record Rest(TimeSpan? For = null) : VmStep;

    /// <summary>Makes the disks of a VM that is created without being started.</summary>
    public sealed record MakeDisks : VmStep;

    /// <summary>
    /// Makes what is missing (disks, seed, NVRAM, taps, uid), creates QEMU with its CPUs stopped, commits <c>starting</c> with this run
    /// and, once that is known, continues through the gate.
    /// </summary>
    public sealed record Start(long Run) : VmStep;

    /// <summary>Lets the CPUs run, through the gate.</summary>
    public sealed record Continue : VmStep;

    public sealed record Pause : VmStep;

    public sealed record PressPowerButton : VmStep;

    /// <summary>Writes to the process that it is of its assignment's epoch from now on: it was found running when the store was recovered.</summary>
    public sealed record TakeAlong : VmStep;

    /// <summary>Resets the machine; the step is recorded in the operation before it is done, and never done twice.</summary>
    public sealed record Reset(string Operation) : VmStep;

    /// <summary>Changes the running VM and its record.</summary>
    public sealed record Change(VmLiveChange What, bool Force) : VmStep;

    /// <summary>Gives free, or deletes where that is asked for, disks that the VM has neither in its spec nor in its machine any more.</summary>
    public sealed record ReleaseDisks(IReadOnlyList<string> Disks) : VmStep;

    /// <summary>Ends an operation that changed the VM; one without a process has its disks made, and as large as they shall be, first.</summary>
    public sealed record EndChange(string Operation, ChangeOutcome Outcome) : VmStep;

    /// <summary>Hands the VM to the job whose permit is on record; the end of the job is one commit with the end of the permit.</summary>
    public sealed record Lend(string Operation) : VmStep;

    /// <summary>The VM is between two hosts: its hand acts, and no plan does. Never chosen by the plan.</summary>
    public sealed record HandOver : VmStep;

    /// <summary>There is nothing that could be reset.</summary>
    public sealed record RefuseReset(string Operation, Failure Failure) : VmStep;

    /// <summary>
    /// Ends the process: through the monitor, which flushes the disks, else by killing its cgroup. Why was recorded before, save for a
    /// process that never ran (<paramref name="NeverRan"/>).
    /// </summary>
    public sealed record End(bool NeverRan = false) : VmStep;

    /// <summary>Removes disks, NVRAM and seed of a VM that is deleted.</summary>
    public sealed record DeleteResources : VmStep;

    /// <summary>Removes all records of the VM, whose resources are no more, and ends its deletion, in one transaction.</summary>
    public sealed record Remove : VmStep;

    /// <summary>One commit: the status, how the order's operation stands, the event.</summary>
    public sealed record Write(VmStatus Status) : VmStep
    {
        public OrderOutcome? Outcome { get; init; }
        public VmNews? News { get; init; }
    }
}

/// <summary>How an operation ended.</summary>
internal sealed record OrderOutcome(string Operation, OperationPhase Phase, Failure? Failure = null);

/// <summary>How a change ended: with what waits for a restart, or why it was refused.</summary>
internal sealed record ChangeOutcome(OperationPhase Phase, Failure? Failure, System.Text.Json.Nodes.JsonObject? Result);

/// <summary>A line for the timeline.</summary>
internal sealed record VmNews(EventSeverity Severity, string Kind, string Message);
