using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Snapshots;

/// <summary>Asks a guest to write everything down and to hold its file systems still.</summary>
internal static class GuestFreeze
{
    /// <param name="vm">The guest.</param>
    /// <param name="name">The VM's, for messages.</param>
    /// <param name="quiesce">True: it must; null: if its agent can; false: not at all.</param>
    /// <param name="cancellationToken">Gives up; <see cref="ThawAsync"/> is due then too.</param>
    /// <returns>Whether it is frozen.</returns>
    /// <exception cref="ProblemException"><c>snapshot.notQuiesced</c>.</exception>
    public static async Task<bool> FreezeAsync(IVm vm, string name, bool? quiesce, CancellationToken cancellationToken)
    {
        if (quiesce == false) return false;
        try
        {
            await vm.Agent.FreezeAsync(cancellationToken);
            return true;
        }
        catch (Exception failure) when (IsAgents(failure))
        {
            if (quiesce is null) return false;
            throw new ProblemException(
                ProblemKind.Conflict, "snapshot.notQuiesced", $"The guest of VM '{name}' could not be asked to write everything down: {failure.Message}",
                "Install and start qemu-guest-agent in it, or do without: --no-quiesce.", failure);
        }
    }

    /// <summary>Lets it go on; one that is not frozen, or has no agent, is left alone.</summary>
    public static async Task ThawAsync(IVm vm)
    {
        try
        {
            await vm.Agent.ThawAsync(CancellationToken.None);
        }
        catch (Exception failure) when (IsAgents(failure))
        {
            // Nobody there to be thawed.
        }
    }

    private static bool IsAgents(Exception failure) =>
        failure is GuestAgentUnavailableException or GuestAgentErrorException or QmpErrorException or QmpClosedException or QmpProtocolException or TimeoutException or IOException;
}
