using Lamina.Api;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Vms.Plan;

/// <summary>What this host knows of one VM, at one moment. Everything in it is certain: while an outcome of the store is unknown, no plan is made.</summary>
internal sealed record VmSeen
{
    public required string HostBootId { get; init; }

    /// <summary>As last committed; null: never.</summary>
    public VmStatus? Status { get; init; }

    /// <summary>Null: its cgroup is empty, which is what dead means.</summary>
    public VmProcess? Process { get; init; }

    /// <summary>How the last process of this daemon's life ended; null: not seen by this daemon.</summary>
    public VmExit? Exit { get; init; }

    /// <summary>All disks of the spec are made.</summary>
    public bool DisksMade { get; init; }

    /// <summary>The host's resources of the VM (disks, NVRAM, seed) are deleted.</summary>
    public bool Deleted { get; init; }

    /// <summary>The pool of a VM that was paused for lack of room has room again.</summary>
    public bool PoolHasRoom { get; init; }

    /// <summary>Its turn has come after a boot of the host.</summary>
    public bool AutostartDue { get; init; }

    /// <summary>The host is going down: guests are asked to power off, nothing starts by itself, and what ends was ended by the host.</summary>
    public HostStop? HostStop { get; init; }

    /// <summary>Time since the power button was pressed for the present order; null: not pressed by this daemon.</summary>
    public TimeSpan? SinceButton { get; init; }

    /// <summary>Time since the last commit of the status, for what is refreshed at most every 2 s.</summary>
    public TimeSpan SinceStatus { get; init; } = TimeSpan.MaxValue;

    /// <summary>What the agent and the network last told; null: nothing asked in this run yet.</summary>
    public VmObservation? Observation { get; init; }

    /// <summary>The guest has reset itself, and nobody was told yet.</summary>
    public bool GuestReset { get; init; }

    /// <summary>The guest has not fed its watchdog, and nobody was told yet.</summary>
    public bool WatchdogFired { get; init; }

    /// <summary>Where the spec and what runs are not the same.</summary>
    public IReadOnlyList<VmDifference> Differences { get; init; } = [];

    /// <summary>Changes that guest or host have refused, with their words; not tried again for the same wish.</summary>
    public IReadOnlyDictionary<VmLiveChange, Failure> Declined { get; init; } = new Dictionary<VmLiveChange, Failure>();

    /// <summary>Ids of disks that belong to the VM and stand neither in its spec nor in its machine.</summary>
    public IReadOnlyList<string> Strays { get; init; } = [];

    /// <summary>The step that failed last, until the plan has drawn its conclusion.</summary>
    public StepFailure? Failure { get; init; }
}

/// <summary>The engine's process of one run.</summary>
/// <param name="Epoch">The epoch it was started at.</param>
/// <param name="Run">Which start it is.</param>
/// <param name="State">Null: the monitor does not answer.</param>
internal sealed record VmProcess(long Epoch, long Run, RunState? State)
{
    public Accelerator? Accelerator { get; init; }

    /// <summary>The last disk error was for lack of room.</summary>
    public bool NoSpace { get; init; }

    /// <summary>The device and the reason of the last disk error.</summary>
    public string? DiskError { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
}

/// <summary>How guests are to end with their host.</summary>
/// <param name="Timeout">From the press of the power button.</param>
/// <param name="ForceAfter">Cut the power then; else the guest runs on until the host ends it.</param>
internal sealed record HostStop(TimeSpan Timeout, bool ForceAfter);

/// <summary>How a run's process ended, in the engine's words.</summary>
internal sealed record VmExit(long Run, string Words)
{
    /// <summary>Root has cut its power while there was no store to ask in.</summary>
    public bool IsCut { get; init; }
}

/// <summary>What is refreshed from time to time.</summary>
internal sealed record VmObservation
{
    public IReadOnlyList<string> Addresses { get; init; } = [];
    public VmAgentStatus? Agent { get; init; }

    /// <summary>QEMU itself has told of a reset in this run since the last change of the boot id, so that a new one is no news.</summary>
    public bool ResetTold { get; init; }
}

/// <summary>A step that threw, with what a person should read.</summary>
internal sealed record StepFailure(VmStep Step, Failure Failure);
