using Lamina.Api;
using Lamina.Engine;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// The one place where a guest's CPUs are let run (decision 3), whoever asks: start, user, room in the pool, a restarted daemon. A test guards
/// that nobody else calls <see cref="IVm.ContinueAsync"/>.
/// </summary>
internal static class VmGate
{
    /// <param name="vm">The process.</param>
    /// <param name="committed">The status that is known to be in the store.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ContinueRefusedException">The guest belongs to a migration or a job, or its run is not on record.</exception>
    public static async Task ContinueAsync(IVm vm, VmStatus committed, CancellationToken cancellationToken)
    {
        if (committed.Epoch != vm.Epoch || committed.Run != vm.Run)
            throw new ContinueRefusedException(
                await vm.QueryStateAsync(cancellationToken),
                $"The process is of epoch {vm.Epoch}, run {vm.Run}, and the record of epoch {committed.Epoch}, run {committed.Run}: it could run twice.");
        await vm.ContinueAsync(PermitOf(committed), cancellationToken);
    }

    /// <summary>A guest that was on its way to another host: the hand-over's own permit.</summary>
    /// <param name="vm">The process.</param>
    /// <param name="decided">The hand-over as it is known to be in the store: by its own transaction, or one that came after it.</param>
    /// <param name="hostId">This host.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ContinueRefusedException">It is not decided, or not for this host, or the process is of another epoch.</exception>
    public static async Task ContinueAsync(IVm vm, VmHandover decided, string hostId, CancellationToken cancellationToken)
    {
        await RequireAsync(vm, decided, hostId, cancellationToken);
        await vm.ContinueAsync(new ContinuePermit(vm.Epoch, vm.Run, $"hand-over {decided.Nonce}, {decided.Phase}"), cancellationToken);
    }

    /// <summary>A paused guest that has come from another host: its disks are this process's on the same word, and it stays paused.</summary>
    /// <param name="vm">The process.</param>
    /// <param name="decided">The hand-over as it is known to be in the store: by its own transaction, or one that came after it.</param>
    /// <param name="hostId">This host.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ContinueRefusedException">It is not decided, or not for this host, or the process is of another epoch.</exception>
    public static async Task TakeHaltedAsync(IVm vm, VmHandover decided, string hostId, CancellationToken cancellationToken)
    {
        await RequireAsync(vm, decided, hostId, cancellationToken);
        await vm.TakeHaltedAsync(cancellationToken);
    }

    private static async Task RequireAsync(IVm vm, VmHandover decided, string hostId, CancellationToken cancellationToken)
    {
        var (owner, epoch) = decided.Phase switch
        {
            HandoverPhase.Aborted => (decided.From, decided.Epoch),
            HandoverPhase.Committed => (decided.To, decided.Epoch + 1),
            HandoverPhase.HandedBack => (decided.From, decided.Epoch + 2),
            _ => (null, 0),
        };
        if (owner != hostId || vm.Epoch != epoch)
            throw new ContinueRefusedException(
                await vm.QueryStateAsync(cancellationToken),
                $"The hand-over {decided.Nonce} is {decided.Phase} and the process is of epoch {vm.Epoch}: it could run twice.");
    }

    /// <summary>A job of this very run may let a guest out of a migration state.</summary>
    private static ContinuePermit? PermitOf(VmStatus committed) =>
        committed.Job is { } job ? new ContinuePermit(committed.Epoch, committed.Run, $"{job.Kind} by operation {job.Operation}") : null;
}
