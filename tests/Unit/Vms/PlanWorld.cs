using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Plan;

namespace Lamina.Tests.Unit.Vms;

/// <summary>
/// A world of one VM for the plan: a store, a host and a guest, changed only by the steps that the plan asks for. It keeps the promises:
/// a broken one throws.
/// </summary>
internal sealed class PlanWorld
{
    public const string Boot = "boot-2";

    public VmSpec Spec { get; set; } = TestVms.Spec();
    public VmStatus? Status { get; set; }
    public VmProcess? Process { get; set; }
    public PowerOrder? Order { get; set; }
    public VmExit? Exit { get; set; }

    /// <summary>A job that waits for the VM.</summary>
    public VmJobRequest? Job { get; set; }

    /// <summary>The operation of the job on record has ended without clearing its permit.</summary>
    public bool IsJobLost { get; set; }

    /// <summary>What a job does to the VM while it has it: false, it suspends it.</summary>
    public bool JobLeavesIt { get; set; } = true;
    public bool DisksMade { get; set; }
    public bool Deleted { get; set; }

    /// <summary>Its records are no more.</summary>
    public bool Removed { get; private set; }
    public bool AutostartDue { get; set; }
    public bool PoolHasRoom { get; set; }
    public TimeSpan? SinceButton { get; set; }
    public StepFailure? Failure { get; set; }
    public bool GuestObeysButton { get; set; } = true;

    /// <summary>The highest run on record; one that was never committed never ran, and its number is free.</summary>
    public long HighestRun { get; set; }

    public DateTimeOffset Now { get; set; } = TestVms.Epoch;
    public List<OrderOutcome> Outcomes { get; } = [];
    public List<VmStep> Taken { get; } = [];
    public long Epoch { get; init; } = 1;

    public VmWanted Wanted => new() { Spec = Spec, Epoch = Epoch, Host = "host-1", Order = Order, Job = Job, IsJobLost = IsJobLost && Job is null };

    public VmSeen Seen => new()
    {
        HostBootId = Boot,
        Status = Status,
        Process = Process,
        Exit = Exit,
        DisksMade = DisksMade,
        Deleted = Deleted,
        AutostartDue = AutostartDue,
        PoolHasRoom = PoolHasRoom,
        SinceButton = SinceButton,
        Failure = Failure,
    };

    /// <summary>For the report of a property that does not hold.</summary>
    public override string ToString() =>
        $"{Status}, process {Process}, order {Order}, job {Job}, leaves {JobLeavesIt}, restart {Spec.Restart}, deleting {Spec.Deleting}, room {PoolHasRoom}; taken: {string.Join(" → ", Taken)}";

    public VmStep Next() => Removed ? new VmStep.Rest() : VmPlan.Next(Wanted, Seen, Now);

    /// <summary>Follows the plan until it rests with nothing more to come.</summary>
    public void Settle(int mostSteps = 40)
    {
        for (int step = 0; step < mostSteps; step++)
        {
            var next = Next();
            if (next is VmStep.Rest { For: null }) return;
            Apply(next);
        }

        throw new InvalidOperationException($"The plan does not come to rest: {string.Join(" → ", Taken)}");
    }

    /// <summary>A daemon that starts anew knows only what the store and the host hold.</summary>
    public void RestartDaemon()
    {
        Exit = null;
        SinceButton = null;
        Failure = null;
    }

    /// <summary>Carries a step out whole.</summary>
    public void Apply(VmStep step)
    {
        Taken.Add(step);
        switch (step)
        {
            case VmStep.Rest rest:
                Wait(rest.For ?? TimeSpan.Zero);
                break;
            case VmStep.Lend lend:
                Lend(lend);
                break;
            case VmStep.MakeDisks:
                DisksMade = true;
                break;
            case VmStep.Start start:
                CreateProcess(start);
                CommitStarting(start);
                // With a memory the starter only brings it in; the plan takes it off the record before the CPUs run.
                if (Status!.Memory is null) Continue();
                else Process = Process! with { State = RunState.Paused };
                break;
            case VmStep.Continue:
                Continue();
                break;
            case VmStep.Pause:
                Process = Process! with { State = RunState.Paused };
                break;
            case VmStep.PressPowerButton:
                SinceButton = TimeSpan.Zero;
                if (GuestObeysButton) Process = Process! with { State = RunState.Shutdown };
                break;
            case VmStep.End end:
                End(end);
                break;
            case VmStep.DeleteResources:
                Promise(Process is null, "disks of a living VM are deleted");
                Deleted = true;
                break;
            case VmStep.Remove:
                Promise(Deleted && Process is null, "the records of a VM go before what they speak of");
                Removed = true;
                break;
            case VmStep.Write write:
                Commit(write);
                break;
        }
    }

    public void CreateProcess(VmStep.Start start)
    {
        Promise(Status?.Job is null, "a VM that is lent to a job is started");
        Promise(Process is null, "a VM is started twice");
        Promise(start.Run > HighestRun, "a run is used twice");
        DisksMade = true;
        Process = new VmProcess(Epoch, start.Run, Status?.Memory is null ? RunState.PreLaunch : RunState.InMigrate);
    }

    public void CommitStarting(VmStep.Start start)
    {
        HighestRun = start.Run;
        var last = Status ?? new VmStatus { Host = "host-1", Epoch = Epoch, State = VmState.Stopped };
        Status = last with { State = VmState.Starting, Epoch = Epoch, Run = start.Run, HostBootId = Boot };
    }

    private void Continue()
    {
        Promise(Status?.Memory is null, "a guest runs whose memory could be loaded again");
        Promise(Process is not null && Status is not null && Status.Run == Process.Run, "a run is continued whose commit is not known");
        Process = Process! with { State = RunState.Running };
    }

    private void End(VmStep.End end)
    {
        bool explained = Status is { State: VmState.Stopping, StopCause: not null } or { State: VmState.Suspended, Memory: not null };
        Promise(end.NeverRan ? Process!.State is RunState.PreLaunch or RunState.InMigrate : explained, "a process is ended without a reason on record");
        Process = null;
    }

    private void Lend(VmStep.Lend lend)
    {
        Promise(Status?.Job?.Operation == lend.Operation && Job?.Operation == lend.Operation, "a VM is lent without a permit on record");
        Job = null;
        Status = Status! with { Job = null };
        if (JobLeavesIt || Process is null) return;
        Status = VmRestart.Suspended(Status with { Memory = new VmMemoryImage { Folder = "suspend-x" } });
        Process = null;
    }

    private void Commit(VmStep.Write write)
    {
        Promise(Status?.Job is null || write.Status.Job is null || write.Status.Job == Status.Job, "a permit is given while another job has one");
        Status = write.Status;
        Failure = null;
        if (write.Outcome is not { } outcome) return;
        Promise(outcome.Operation == Order?.Operation && write.Status.Served == outcome.Operation, "an operation ends that is not the order's");
        Outcomes.Add(outcome);
        Order = null;
        SinceButton = null;
    }

    private void Wait(TimeSpan time)
    {
        Now += time;
        if (SinceButton is { } since) SinceButton = since + time;
    }

    private static void Promise(bool kept, string broken)
    {
        if (!kept) throw new InvalidOperationException($"Promise broken: {broken}.");
    }
}
