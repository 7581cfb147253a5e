namespace Lamina.Engine.Migration;

/// <summary>QEMU's MigrationStatus (qapi/migration.json), as far as anybody acts on it. Both sides have one; a target's goes from None over Setup to Completed.</summary>
public enum MigrationPhase
{
    /// <summary>There was none in this process.</summary>
    None,
    /// <summary>A target listens, or a source connects.</summary>
    Setup,
    /// <summary>Memory is on its way; on the source the guest runs.</summary>
    Active,
    /// <summary>The source's guest stands still, and QEMU waits for <see cref="IVm.ContinueSwitchoverAsync"/>.</summary>
    PreSwitchover,
    /// <summary>The state of the devices is on its way; the source's guest stands still.</summary>
    Device,
    /// <summary>The guest belongs to the target, and its memory comes as it is asked for. There is no way back.</summary>
    PostCopyActive,
    /// <summary>As above, and the connection is lost: <see cref="IVm.RecoverAsync"/> on the target, then <see cref="IVm.ResumePostCopyAsync"/> on the source.</summary>
    PostCopyPaused,
    PostCopyRecover,
    /// <summary>The source's guest will never go on by itself; the target's is whole.</summary>
    Completed,
    /// <summary>The source's guest goes on by itself if it ran before; a target's process ends.</summary>
    Failed,
    Cancelling,
    /// <summary>As <see cref="Failed"/>.</summary>
    Cancelled,
}

/// <summary>What follows from a phase. Pure.</summary>
public static class MigrationPhases
{
    /// <summary>The phases in which the memory is on both sides, so that neither can run without the other.</summary>
    public static bool IsPostCopy(this MigrationPhase phase) =>
        phase is MigrationPhase.PostCopyActive or MigrationPhase.PostCopyPaused or MigrationPhase.PostCopyRecover;

    /// <summary>Nothing goes on by itself: the caller's word is needed, or all is over.</summary>
    public static bool NeedsCaller(this MigrationPhase phase) => phase is MigrationPhase.None or MigrationPhase.PreSwitchover or MigrationPhase.PostCopyPaused
        or MigrationPhase.Completed or MigrationPhase.Failed or MigrationPhase.Cancelled;

    /// <summary>From QEMU's word; one of a later version means a step of the way that this engine need not tell apart.</summary>
    public static MigrationPhase Parse(string? status) => status switch
    {
        null or "none" => MigrationPhase.None,
        "setup" => MigrationPhase.Setup,
        "pre-switchover" => MigrationPhase.PreSwitchover,
        "device" => MigrationPhase.Device,
        "postcopy-active" or "postcopy-device" => MigrationPhase.PostCopyActive,
        "postcopy-paused" => MigrationPhase.PostCopyPaused,
        "postcopy-recover" or "postcopy-recover-setup" => MigrationPhase.PostCopyRecover,
        "completed" => MigrationPhase.Completed,
        "failed" => MigrationPhase.Failed,
        "cancelling" => MigrationPhase.Cancelling,
        "cancelled" => MigrationPhase.Cancelled,
        _ => MigrationPhase.Active,
    };
}
