using Lamina.Engine.Migration;

namespace Lamina.Engine;

/// <summary>
/// The hands of a live migration, one VM at a time; who may run is decided elsewhere (decisions.md, the hand-over). A source and a target are both
/// just VMs. No call here lets a guest's CPUs run: that is <see cref="ContinueAsync"/>'s alone, save that QEMU resumes a source by itself whose
/// migration fails or is cancelled before <see cref="MigrationPhase.Completed"/>. A cancelled wait ends the wait, never the migration.
/// <code>
/// target: StartPausedAsync(MigratesIn) → ListenAsync ───────────────────────────────────────► FollowMigrationAsync = Completed → StopListeningAsync → ContinueAsync → AnnounceAsync
/// source:   BeginMirrorsAsync → FollowMirrorsAsync → BeginMigrationAsync → FollowMigrationAsync = PreSwitchover → EndMirrorsAsync → ContinueSwitchoverAsync
///           → FollowMigrationAsync = Completed → CloseMirrorsAsync
/// </code>
/// </summary>
public partial interface IVm
{
    /// <summary>Asks at any moment, on either side. Never waits longer than a second or so for a QEMU that is mute: it says then what was heard last.</summary>
    Task<MigrationState> QueryMigrationAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Waits, on either side, until the caller's word is needed or all is over: <see cref="MigrationPhases.NeedsCaller"/>. Returns at the very event, so
    /// that nothing lengthens the guest's pause: details are <see cref="QueryMigrationAsync"/>'s. A target whose process ends: <see cref="QmpClosedException"/>.
    /// </summary>
    /// <param name="onProgress">Called about twice a second on a source.</param>
    /// <param name="cancellationToken">Ends the wait only.</param>
    Task<MigrationPhase> FollowMigrationAsync(Action<MigrationProgress>? onProgress, CancellationToken cancellationToken);

    /// <summary>
    /// Target: offers the disks, if any, then listens. Called again, what the earlier call left is undone first. Before it nothing has happened that
    /// killing the process would not undo.
    /// </summary>
    /// <exception cref="VmEngineException">No port is free (HostResource), or this QEMU or host cannot do what is asked (Impossible): why, and what to do.</exception>
    Task<MigrationEndpoint> ListenAsync(MigrationListen listen, CancellationToken cancellationToken);

    /// <summary>
    /// Target: ends the offer of disks, and forgets the credentials unless a migration is under way, as before post-copy: it may need them again. Must be done
    /// before <see cref="ContinueAsync"/>: the guest needs the disks for itself.
    /// </summary>
    Task StopListeningAsync(CancellationToken cancellationToken);

    /// <summary>Target in post-copy whose connection is lost: listens again, on a free port of the same range. Works while QEMU is mute.</summary>
    /// <exception cref="VmEngineException">No line for it was opened in time, which a daemon restarted meanwhile cannot make up for; or no port is free.</exception>
    Task<MigrationEndpoint> RecoverAsync(MigrationListen listen, CancellationToken cancellationToken);

    /// <summary>
    /// Target that has everything, in place of its first <see cref="ContinueAsync"/>: the guest stays paused as it was at the source. The process takes the disks for its own, and
    /// is a paused one from then on. May be repeated.
    /// </summary>
    /// <exception cref="QmpErrorException">A disk is not free, as with a lock of the source: nothing has changed; try again, or kill it.</exception>
    Task TakeHaltedAsync(CancellationToken cancellationToken);

    /// <summary>Target, after its first <see cref="ContinueAsync"/>: tells the network that the guest's cards are here now.</summary>
    Task AnnounceAsync(CancellationToken cancellationToken);

    /// <summary>Bytes a second that the guest writes anew, from samples over the period (whole seconds, 1 to 60). For planning; costs the guest little.</summary>
    Task<long> MeasureDirtyRateAsync(TimeSpan period, CancellationToken cancellationToken);

    /// <summary>Source: begins to copy the disks into the target's exports; those under way already are left as they are.</summary>
    Task BeginMirrorsAsync(MigrationMirrors mirrors, CancellationToken cancellationToken);

    /// <summary>Source: waits until all mirrors have been equal once. From then on they follow; what is left is copied before <see cref="EndMirrorsAsync"/> returns.</summary>
    /// <exception cref="QmpErrorException">One failed; the others go on until <see cref="CloseMirrorsAsync"/>.</exception>
    Task FollowMirrorsAsync(Action<IReadOnlyList<MirrorState>>? onProgress, CancellationToken cancellationToken);

    /// <summary>
    /// Source in <see cref="MigrationPhase.PreSwitchover"/>: ends the mirror of every slot named, each listed, equal, without error, to its last byte. Those
    /// that an earlier daemon has ended so are fine.
    /// </summary>
    /// <exception cref="QmpErrorException">One is not: the target's disk is not the guest's, and the hand-over must be aborted.</exception>
    Task EndMirrorsAsync(IReadOnlyList<int> slots, CancellationToken cancellationToken);

    /// <summary>Source: drops whatever mirrors there are, lets go of the target's exports and, unless a migration is under way, forgets the credentials. Nothing there is fine.</summary>
    /// <exception cref="QmpErrorException">A target is silent and its connection has not ended: the guest is unharmed; call again, before any new mirror.</exception>
    Task CloseMirrorsAsync(CancellationToken cancellationToken);

    /// <summary>Source: sets everything and sends. What comes of it is <see cref="FollowMigrationAsync"/>'s to tell, a refused connection too.</summary>
    /// <exception cref="VmEngineException">This QEMU cannot do what is asked.</exception>
    /// <exception cref="QmpErrorException">QEMU refused; the guest runs on.</exception>
    Task BeginMigrationAsync(MigrationSend send, CancellationToken cancellationToken);

    /// <summary>Source: other bounds for what is under way, mirrors included.</summary>
    Task SetMigrationLimitsAsync(MigrationLimits limits, CancellationToken cancellationToken);

    /// <summary>Source in <see cref="MigrationPhase.Active"/>, at best after the first pass: switches as soon as it can, by way of <see cref="MigrationPhase.PreSwitchover"/>.</summary>
    Task StartPostCopyAsync(CancellationToken cancellationToken);

    /// <summary>Source in <see cref="MigrationPhase.PreSwitchover"/>: goes on, and returns when it does.</summary>
    Task ContinueSwitchoverAsync(CancellationToken cancellationToken);

    /// <summary>Source in <see cref="MigrationPhase.PostCopyPaused"/>: connects to where <see cref="RecoverAsync"/> listens, and returns when it is past that phase.</summary>
    /// <exception cref="QmpErrorException">The target was not reached; still paused, may be tried again.</exception>
    Task ResumePostCopyAsync(MigrationEndpoint to, CancellationToken cancellationToken);

    /// <summary>
    /// Source: gives the migration up, by force if QEMU is slow about it, and returns the phase it ended in. Cancelled or Failed: the guest goes on as
    /// before, by itself. Completed: it was too late. None: there was none. Only after the ABORT is won (decisions.md, the hand-over).
    /// </summary>
    /// <exception cref="VmEngineException">In post-copy there is no way back.</exception>
    Task<MigrationPhase> CancelMigrationAsync(CancellationToken cancellationToken);

    /// <summary>Either side: breaks the memory's connections to the other at once, not those of mirrors; works while QEMU is mute. In post-copy this leads to <see cref="MigrationPhase.PostCopyPaused"/>.</summary>
    Task BreakMigrationAsync(CancellationToken cancellationToken);

    /// <summary>The same process goes on under a newer assignment (HAND-BACK): its record, events and the gate name that from now on.</summary>
    /// <exception cref="VmEngineException">The epoch is not above the present one.</exception>
    Task AdoptEpochAsync(long epoch, long run, CancellationToken cancellationToken);
}
