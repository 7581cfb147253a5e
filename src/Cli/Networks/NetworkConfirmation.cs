using System.CommandLine;
using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Cli.Networks;

/// <summary>
/// A bridge to a card moves the host's own addresses. Whether the host is still within reach is found out by new connections, which go by the new path; and
/// where the daemon is spoken to by its local socket, which proves nothing, by the person.
/// </summary>
internal static class NetworkConfirmation
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(5);

    public static Command Confirm()
    {
        var name = new Argument<string>("network");
        return CommandBuilder.Verb("confirm", "say that the host is still within reach over its new bridge", [name], async (invocation, cancellationToken) =>
        {
            await invocation.Client.Networks.ConfirmAsync(invocation.Value(name), cancellationToken);
            invocation.Say($"network {invocation.Value(name)} is confirmed");
        });
    }

    public static Command Retry()
    {
        var name = new Argument<string>("network");
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("retry", "try a bridge that was taken back once more", [name, yes], async (invocation, cancellationToken) =>
            await FollowAsync(invocation, await invocation.Client.Networks.RetryAsync(invocation.Value(name), cancellationToken), invocation.Value(yes), cancellationToken));
    }

    /// <summary>Waits until the host has moved its addresses, confirms, and tells how it ended.</summary>
    public static async Task<ExitCode> FollowAsync(Invocation invocation, Network network, bool yes, CancellationToken cancellationToken)
    {
        if (!invocation.Wait)
        {
            invocation.Say($"network {network.Name} awaits its confirmation: lamina network confirm {network.Name}");
            return ExitCode.Done;
        }

        var attempt = network.Spec.Bridge!.Attempt;
        var seconds = network.Spec.Bridge.ConfirmSeconds;
        invocation.Say($"moving this host's addresses from {network.Spec.Bridge.Device} to a bridge; that is taken back after {seconds} s unless it is confirmed");
        var before = network.Status?.Failure?.Message; // of an earlier try
        var seen = await WatchAsync(invocation, network, at => at.Uplink?.Attempt == attempt || (at.Failure is { } failure && failure.Message != before), TimeSpan.FromSeconds(seconds) + Patience, cancellationToken);
        if (seen?.Uplink?.State == UplinkState.AwaitingConfirmation && MayConfirm(invocation, network, yes))
        {
            using var client = invocation.Connect(OneTry);
            await client.Networks.ConfirmAsync(network.Id, cancellationToken);
            seen = await WatchAsync(invocation, network, at => at.Uplink?.State != UplinkState.AwaitingConfirmation, TimeSpan.FromSeconds(seconds) + Patience, cancellationToken);
        }

        return Tell(invocation, network, seen);
    }

    /// <summary>Waits a moment until the network is up, or says why it is not.</summary>
    public static async Task<ExitCode> WaitUntilUpAsync(Invocation invocation, Network network, string done, CancellationToken cancellationToken)
    {
        var seen = invocation.Wait ? await WatchAsync(invocation, network, at => at.Up || at.Failure is not null, Patience, cancellationToken) : null;
        if (seen?.Failure is { } failure) return Errors.Failed($"network {network.Name}", failure);
        var shown = network.Spec.Bridge is { } bridge ? $"on {(bridge.Vlan is { } vlan ? $"VLAN {vlan} of " : "")}{bridge.Device}" : string.Join(", ", new[] { network.Spec.Subnet, network.Spec.Ipv6Subnet }.OfType<string>());
        invocation.Say($"{done}: {shown}");
        return ExitCode.Done;
    }

    private static bool MayConfirm(Invocation invocation, Network network, bool yes)
    {
        if (yes || !invocation.IsLocal) return true;
        if (!Terminal.CanAsk) return false;
        Console.Error.Write($"Can you still reach this host? Answer y within {network.Spec.Bridge!.ConfirmSeconds} s to keep the bridge [y/N] ");
        return Console.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    private static ExitCode Tell(Invocation invocation, Network network, NetworkStatus? seen)
    {
        switch (seen)
        {
            case { Uplink.State: UplinkState.Confirmed } confirmed:
                invocation.Say($"network {network.Name} is up: {confirmed.Bridge} bears {string.Join(", ", confirmed.Uplink.Addresses)} in place of {confirmed.Uplink.Device}");
                return ExitCode.Done;
            case { Failure: { } failure }:
                return Errors.Failed($"network {network.Name}", failure);
            case { Uplink: { State: UplinkState.AwaitingConfirmation, Unreached.Count: > 0 } waiting }:
                invocation.Say($"not kept yet: a host has not reached {string.Join(", ", waiting.Unreached)} since the move; unless it does, it is taken back. See: lamina network show {network.Name}");
                return ExitCode.Failed;
            case { Uplink.State: UplinkState.AwaitingConfirmation }:
                invocation.Say($"not confirmed: it is taken back in {network.Spec.Bridge!.ConfirmSeconds} s unless somebody says 'lamina network confirm {network.Name}'");
                return ExitCode.Failed;
            default:
                throw new CliException(ExitCode.Unreachable, "the server cannot be reached over a new connection", $"The host takes the change back by itself. See then: lamina network show {network.Name}");
        }
    }

    /// <summary>Asks by a new connection each time.</summary>
    /// <returns>The first status that will do, else the last one seen; null: none was.</returns>
    private static async Task<NetworkStatus?> WatchAsync(
        Invocation invocation, Network network, Func<NetworkStatus, bool> until, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(patience);
        NetworkStatus? last = null;
        while (!deadline.IsCancellationRequested)
        {
            try
            {
                using var client = invocation.Connect(OneTry);
                last = (await client.Networks.GetAsync(network.Id, cancellationToken)).Value.Status;
                if (last is not null && until(last)) return last;
            }
            catch (LaminaException unknown) when (unknown.Problem.Status == 404 && last is null)
            {
                // Made this moment: another connection may come before the daemon's own picture of it.
            }
            catch (LaminaUnreachableException)
            {
                // As long as the host looks for its way, or takes it back.
            }

            await Task.Delay(Pause, cancellationToken);
        }

        return last;
    }
}
