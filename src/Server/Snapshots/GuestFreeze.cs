using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Server.Operations;

namespace Lamina.Server.Snapshots;

/// <summary>Asks a guest to write everything down and to hold its file systems still.</summary>
internal static class GuestFreeze
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The operation's step that is on record before a guest is asked: whatever happens then, also to the daemon, a thaw is due.</summary>
    public const string Step = "freeze";

    /// <summary>Asks an agent that answers; to one that does not, nothing was said that it could act upon later.</summary>
    /// <param name="vm">The guest.</param>
    /// <param name="name">The VM's, for messages.</param>
    /// <param name="isRequired">True: it must; false: if its agent can.</param>
    /// <param name="operation">Gets <see cref="Step"/>.</param>
    /// <param name="cancellationToken">Gives up; <see cref="ThawAsync"/> is due then too.</param>
    /// <returns>Whether it is frozen.</returns>
    /// <exception cref="ProblemException"><c>snapshot.notQuiesced</c>.</exception>
    public static async Task<bool> FreezeAsync(IVm vm, string name, bool isRequired, OperationRun operation, CancellationToken cancellationToken)
    {
        try
        {
            await vm.Agent.PingAsync(cancellationToken);
            await operation.StepAsync(Step, cancellationToken);
            await vm.Agent.FreezeAsync(cancellationToken);
            return true;
        }
        catch (Exception failure) when (IsAgents(failure))
        {
            if (!isRequired) return false;
            throw new ProblemException(
                ProblemKind.Conflict, "snapshot.notQuiesced", $"The guest of VM '{name}' could not be asked to write everything down: {failure.Message}",
                "Install and start qemu-guest-agent in it, or do without: --no-quiesce.", failure);
        }
    }

    /// <summary>Lets a guest that was asked to freeze go on. One whose agent is still busy with that is asked again and again, while it lives.</summary>
    /// <param name="vm">The guest; its CPUs run.</param>
    /// <param name="operation">Says whether it was asked.</param>
    /// <param name="time">Runs the deadline.</param>
    public static async Task ThawAsync(IVm vm, OperationRun operation, TimeProvider time)
    {
        if (!operation.HasBegun(Step)) return;
        using var deadline = new CancellationTokenSource(Patience, time);
        try
        {
            while (!await IsThawedAsync(vm, deadline.Token)) await Task.Delay(Pause, time, deadline.Token);
        }
        catch (Exception failure) when (IsAgents(failure) || (failure is OperationCanceledException && deadline.IsCancellationRequested))
        {
            // The guest is gone, its agent says no, or it has been silent for longer than any disk takes: nobody there who could be thawed.
        }
    }

    /// <summary>False: no answer, and the process lives.</summary>
    private static async Task<bool> IsThawedAsync(IVm vm, CancellationToken cancellationToken)
    {
        try
        {
            await vm.Agent.ThawAsync(cancellationToken);
            return true;
        }
        catch (GuestAgentUnavailableException)
        {
            await vm.QueryStateAsync(cancellationToken);
            return false;
        }
    }

    private static bool IsAgents(Exception failure) =>
        failure is GuestAgentUnavailableException or GuestAgentErrorException or QmpErrorException or QmpClosedException or QmpProtocolException or TimeoutException or IOException;
}
