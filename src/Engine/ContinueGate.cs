using Lamina.Engine.Qmp;

namespace Lamina.Engine;

/// <summary>
/// The engine's half of the one gate for every <c>cont</c> (D3). A guest whose memory is on its way to, or has gone to, another
/// process must not run here, unless the store's permit names this very run. Pure.
/// </summary>
public static class ContinueGate
{
    /// <param name="state">The guest's.</param>
    /// <param name="epoch">Of the process.</param>
    /// <param name="run">Of the process.</param>
    /// <param name="permit">Null = none.</param>
    /// <param name="migratesIn">The guest has come from another process and has not run here: <see cref="VmDefinition.MigratesIn"/>.</param>
    /// <exception cref="ContinueRefusedException">Not in this state without a permit for this epoch and run.</exception>
    public static void Check(RunState state, long epoch, long run, ContinuePermit? permit, bool migratesIn = false)
    {
        // QEMU takes it there for leave to run the guest as soon as it has arrived.
        if (migratesIn && state == RunState.InMigrate) throw new ContinueRefusedException(state, "The guest has not arrived yet.");
        if (!migratesIn && state is not (RunState.InMigrate or RunState.FinishMigrate or RunState.PostMigrate)) return;
        if (permit == null)
            throw new ContinueRefusedException(state, $"The guest is in state {state}: without a permit of the store it could run twice.");
        if (permit.Epoch != epoch || permit.Run != run)
            throw new ContinueRefusedException(state,
                $"The guest is in state {state} at epoch {epoch}, run {run}, and the permit is for epoch {permit.Epoch}, run {permit.Run}.");
    }
}
