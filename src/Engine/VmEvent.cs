using Lamina.Engine.Migration;

namespace Lamina.Engine;

/// <summary>Something that happened to one run of a VM. Epoch and run keep a late event from ending a newer run (D2).</summary>
public abstract record VmEvent(long Epoch, long Run);

/// <summary>
/// The guest is powered off; the process still stands with state <c>shutdown</c> until it is told to quit, so a daemon that
/// was away learns of it too. <paramref name="ByGuest"/>: the guest's own doing; <paramref name="Reason"/>: QEMU's ShutdownCause.
/// </summary>
public sealed record VmShutdown(long Epoch, long Run, bool ByGuest, string Reason) : VmEvent(Epoch, Run)
{
    /// <summary>
    /// Somebody on the host sent the process a signal (systemd does, to what is left of a scope out of memory): it does not stand but ends, and
    /// the guest was asked nothing.
    /// </summary>
    public bool IsBySignal => Reason == "host-signal";
}

public sealed record VmReset(long Epoch, long Run, bool ByGuest, string Reason) : VmEvent(Epoch, Run);

public sealed record VmStopped(long Epoch, long Run) : VmEvent(Epoch, Run);

public sealed record VmResumed(long Epoch, long Run) : VmEvent(Epoch, Run);

/// <summary>A disk failed; the guest was stopped if <paramref name="Stopped"/>. <paramref name="NoSpace"/>: the pool is full.</summary>
public sealed record VmBlockIoError(long Epoch, long Run, string Device, string NodeName, bool NoSpace, bool Stopped, string Reason)
    : VmEvent(Epoch, Run);

public sealed record VmPanicked(long Epoch, long Run) : VmEvent(Epoch, Run);

/// <summary>The guest has not fed its watchdog in time; what QEMU did then is in the definition.</summary>
public sealed record VmWatchdogFired(long Epoch, long Run) : VmEvent(Epoch, Run);

public sealed record VmDeviceDeleted(long Epoch, long Run, string Device) : VmEvent(Epoch, Run);

/// <summary>The guest did something to a device by itself: took or gave memory, moved a tray.</summary>
public sealed record VmDeviceChanged(long Epoch, long Run, string Device) : VmEvent(Epoch, Run);

/// <summary>A migration of the guest's memory has come to another phase, on either side.</summary>
public sealed record VmMigrationChanged(long Epoch, long Run, MigrationPhase Phase) : VmEvent(Epoch, Run);

/// <summary>The monitor does not answer or its line broke. The guest may well run on: nothing is killed for this.</summary>
public sealed record VmMonitorLost(long Epoch, long Run, string Reason) : VmEvent(Epoch, Run);

public sealed record VmMonitorRestored(long Epoch, long Run) : VmEvent(Epoch, Run);

/// <summary>
/// The cgroup is empty: the VM is dead. Exit code or signal are null when the process was not this daemon's child (re-attached).
/// Always the last event.
/// </summary>
public sealed record VmExited(long Epoch, long Run, int? ExitCode, int? Signal, string StderrTail) : VmEvent(Epoch, Run);
