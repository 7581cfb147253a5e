using System.Runtime.InteropServices;
using System.Threading.Channels;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Engine.Serial;

namespace Lamina.Engine;

/// <summary>
/// One running VM: one (epoch, run). Disposing detaches and leaves the guest running. Every command may throw
/// <see cref="QmpClosedException"/> (the monitor's line is dead), <see cref="QmpErrorException"/> (the engine said no) or
/// <see cref="QmpProtocolException"/> (it spoke nonsense). Deadlines are the caller's: a cancelled wait leaves the line usable,
/// but the command may still take effect.
/// </summary>
public partial interface IVm : IAsyncDisposable
{
    Guid Id { get; }
    long Epoch { get; }
    long Run { get; }
    /// <summary>The VM as it is now: as it was started, with what <see cref="ReviseAsync"/> has changed since.</summary>
    VmDefinition Definition { get; }
    RunRecord Record { get; }

    /// <summary>Everything that happens to this run, in order, from the moment of start or attach; ends after <see cref="VmExited"/>.</summary>
    ChannelReader<VmEvent> Events { get; }

    /// <summary>False after <see cref="VmMonitorLost"/> until <see cref="VmMonitorRestored"/>.</summary>
    bool MonitorAnswers { get; }

    /// <summary>The last lines the engine's process wrote to stderr.</summary>
    string StderrTail { get; }

    /// <summary>The first serial port: history, live output, input. Always read, so the guest never blocks on it.</summary>
    SerialConsole Serial { get; }

    /// <summary>The guest agent, if the guest has one: each call says so itself.</summary>
    GuestAgent Agent { get; }


    Task<RunState> QueryStateAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Lets the guest's CPUs run: the engine's half of the one gate (D3). The states inmigrate, finish-migrate and postmigrate
    /// are refused unless <paramref name="permit"/> names this epoch and run.
    /// </summary>
    /// <exception cref="ContinueRefusedException">The state forbids it.</exception>
    Task ContinueAsync(ContinuePermit? permit, CancellationToken cancellationToken);

    Task PauseAsync(CancellationToken cancellationToken);
    Task ResetAsync(CancellationToken cancellationToken);
    /// <summary>Presses the ACPI power button; the guest decides.</summary>
    Task PowerDownAsync(CancellationToken cancellationToken);
    /// <summary>Ends the process through the monitor, flushing its disks; completes when the cgroup is empty.</summary>
    Task QuitAsync(CancellationToken cancellationToken);
    /// <summary>Kills the whole cgroup; needs no monitor. Completes when the cgroup is empty, which is what dead means.</summary>
    Task KillAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What stopped a guest that is in <see cref="RunState.IoError"/>, for a daemon that was away when it happened; none in other states.
    /// A disk whose failure was overcome in this run may be among them: QEMU forgets none.
    /// </summary>
    Task<IReadOnlyList<DiskProblem>> QueryDiskProblemsAsync(CancellationToken cancellationToken);

    Task<BalloonInfo> QueryBalloonAsync(CancellationToken cancellationToken);

    /// <summary>What the engine counts. Costs it some hundred microseconds, so it is not for often.</summary>
    /// <param name="guestInterval">How often the guest shall tell of its memory from now on; whole seconds.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<VmCounters> QueryCountersAsync(TimeSpan guestInterval, CancellationToken cancellationToken);

    /// <summary>Asks the guest to keep only so much memory, in bytes. It does so in its own time, as far as it can: <see cref="QueryBalloonAsync"/> tells.</summary>
    Task SetBalloonAsync(long bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Puts another definition on record for this run, whole or not at all: <see cref="Definition"/> gives it from then on, and a restarted
    /// daemon attaches with it. Nothing is done to the engine's process: whoever plugs, unplugs or changes a disk's chain says so here.
    /// What an unplugged guest cannot change must stay: id, epoch, run, machine, firmware, user, folder (<see cref="RevisionRules"/>).
    /// </summary>
    /// <exception cref="VmEngineException">It names another VM or machine, or breaks a rule of definitions.</exception>
    /// <exception cref="IOException">The record could not be written; the old one stands.</exception>
    Task ReviseAsync(VmDefinition definition, CancellationToken cancellationToken);

    /// <summary>
    /// Opens new, empty files for <see cref="UseLayersAsync"/>. The guest does not use them yet. Those that are open already stay as they are.
    /// </summary>
    Task AddLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken);

    /// <summary>
    /// From one instant on the guest writes all these disks to their new layers, and what was written before is frozen. The record does not say so
    /// before <see cref="AreLayersUsedAsync"/> was asked: this takes no longer than it must, since a guest may stand still meanwhile.
    /// </summary>
    Task UseLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken);

    /// <summary>Whether the guest writes to these layers (all of them or none, since they came in one instant). When it does, the record says so afterwards.</summary>
    Task<bool> AreLayersUsedAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken);

    /// <summary>Closes layers that the guest does not use; those that are not open are no error.</summary>
    Task DropLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken);

    /// <summary>
    /// Merges a file of a disk's chain into the one below it, in the background of the guest, and completes when only <see cref="FinishMergeAsync"/> is
    /// left to do. Under way already, from an earlier daemon: it is followed. Cancelled: nothing has changed for the guest, though the file below may hold
    /// parts of this one. A file that QEMU has open for reading only can be merged into only while the guest runs.
    /// </summary>
    /// <param name="job">Id of QEMU's job; it begins with a letter.</param>
    /// <param name="slot">The disk's.</param>
    /// <param name="path">The file that shall go.</param>
    /// <param name="onPercent">0–100.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    Task MergeLayerAsync(string job, int slot, string path, Action<int> onPercent, CancellationToken cancellationToken);

    /// <summary>
    /// The file is out of the chain and closed afterwards, and the record says so. If it was the one that is written, the caller has paused the guest and
    /// lets it go on only when its own records say the same: else a crash would bring back what the guest has overwritten.
    /// </summary>
    Task FinishMergeAsync(string job, int slot, string path, CancellationToken cancellationToken);

    /// <summary>How far a mirror has come, whichever daemon began it.</summary>
    Task<MirrorPhase> FindMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken);

    /// <summary>
    /// Copies all that a disk's chain holds into another file while the guest goes on, and completes when both hold the same; from then on each write goes
    /// to both. Under way already, from an earlier daemon: it is followed. Cancelled or failed, the guest goes on with the files that it has:
    /// <see cref="CloseMirrorAsync"/> puts away what is left.
    /// </summary>
    /// <param name="mirror">What goes where.</param>
    /// <param name="onPercent">0–100.</param>
    /// <param name="cancellationToken">Ends the wait, not the mirror.</param>
    /// <exception cref="QmpErrorException">The new file cannot be written, for instance because its pool is full.</exception>
    Task MirrorDiskAsync(DiskMirror mirror, Action<int> onPercent, CancellationToken cancellationToken);

    /// <summary>
    /// From here on the guest has the new file, and the record says so. The caller has paused the guest and lets it go on only when its own records say
    /// the same: else a crash would bring back what the guest has overwritten.
    /// </summary>
    Task FinishMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a mirror up that is under way, and closes the files that the disk does not use: those it had before, or the new one. None there is no error.
    /// Files are let go of only while the guest runs.
    /// </summary>
    /// <returns>What the guest uses: <see cref="MirrorPhase.Switched"/> or <see cref="MirrorPhase.None"/>, which the record then says too.</returns>
    Task<MirrorPhase> CloseMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken);

    /// <summary>
    /// Streams the guest's memory into an open file while it runs. Afterwards the guest stands in state <c>postmigrate</c>; only a permit lets it go on.
    /// Cancelled or failed, the guest is as it was.
    /// </summary>
    Task SaveMemoryAsync(SafeHandle file, Action<int> onPercent, CancellationToken cancellationToken);

    /// <summary>Gives up a stream that an earlier daemon has begun; nothing under way is no error. A guest that stands still by then stands still.</summary>
    Task AbandonMemoryAsync(CancellationToken cancellationToken);

    /// <summary>Brings a saved memory into a process that was started with <see cref="VmDefinition.Incoming"/>. QEMU ends when it does not fit.</summary>
    Task LoadMemoryAsync(SafeHandle file, CancellationToken cancellationToken);

    /// <summary>
    /// Changes the running VM and its record. The record is written before something is plugged and after it is unplugged, so that after any
    /// death of the daemon it names all that may be there; <see cref="FindMissingAsync"/> finds what is not.
    /// </summary>
    /// <exception cref="GuestDeclinedException">The guest did not play its part until <paramref name="deadline"/> or said no.</exception>
    /// <exception cref="VmEngineException">A file or tap cannot be opened, or the engine cannot do this while the guest runs.</exception>
    /// <exception cref="QmpErrorException">QEMU refused; what was begun is undone.</exception>
    Task ChangeAsync(VmChange change, CancellationToken deadline, CancellationToken cancellationToken);

    /// <summary>Ids of devices that the record names and the machine does not have: half-plugged, or given back while no daemon listened.</summary>
    Task<IReadOnlyList<string>> FindMissingAsync(CancellationToken cancellationToken);

    /// <summary>Gives a connected stream socket to the VNC server as a new client; the handle stays the caller's to close.</summary>
    Task AddVncClientAsync(SafeHandle socket, CancellationToken cancellationToken);

    /// <summary>A picture of the first screen, as PNG.</summary>
    /// <exception cref="QmpErrorException">The VM has no screen.</exception>
    Task<byte[]> CaptureScreenAsync(CancellationToken cancellationToken);

    /// <summary>Any monitor command, for jobs that borrow the VM; <c>cont</c> is refused here: it has one gate.</summary>
    Task<TResult> ExecuteAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        CancellationToken cancellationToken);
}

/// <summary>A store's leave to continue a VM out of a migration state: the hand-over record or the job of this very run (D3).</summary>
public sealed record ContinuePermit(long Epoch, long Run, string Reason);

/// <summary>A disk whose last request failed. <paramref name="NoSpace"/>: the pool is full.</summary>
public sealed record DiskProblem(string Device, bool NoSpace);
