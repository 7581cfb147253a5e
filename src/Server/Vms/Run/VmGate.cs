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

    /// <summary>A job of this very run may let a guest out of a migration state.</summary>
    private static ContinuePermit? PermitOf(VmStatus committed) =>
        committed.Job is { } job ? new ContinuePermit(committed.Epoch, committed.Run, $"{job.Kind} by operation {job.Operation}") : null;
}
