using Lamina.Api;

namespace Lamina.Tests.Crash;

/// <summary>The host's own addresses move to a bridge and back: whoever dies in it must not leave the host without them.</summary>
internal static class UplinkScenarios
{
    /// <summary>The fewest seconds that may be asked for.</summary>
    private const int ConfirmSeconds = 10;
    private const string Network = "lan";
    private const string NetworkPath = $"/v1/networks/{Network}";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("uplink") { WithCard = true, Steps = [Make(60), Confirm, Delete] },
        new("uplink-undone") { WithCard = true, Steps = [Make(ConfirmSeconds), WaitForUndoing, Delete] },
    ];

    private static Step Make(int confirmSeconds) => new("make", async session =>
    {
        if (!await session.ExistsAsync(NetworkPath))
            await session.Client.Networks.CreateAsync(new NetworkCreate { Name = Network, Bridge = World.Card, ConfirmSeconds = confirmSeconds }, session.Gone);
        await session.WaitAsync("the move", async () => (await StateAsync(session)) is not null);
    });

    /// <summary>A move in whose midst a daemon died was taken back, and is tried once more. Each is asked for once, when the status tells of the last try.</summary>
    private static Step Confirm => new("confirm", session => session.WaitAsync("the confirmed move", async () =>
    {
        var network = (await session.Client.Networks.GetAsync(Network, session.Gone)).Value;
        var (bridge, uplink) = (network.Spec.Bridge!, network.Status?.Uplink);
        if (uplink?.Attempt != bridge.Attempt) return false;
        if (uplink.State == UplinkState.RolledBack) await session.Client.Networks.RetryAsync(Network, session.Gone);
        if (uplink.State == UplinkState.AwaitingConfirmation && bridge.Confirmed < bridge.Attempt) await session.Client.Networks.ConfirmAsync(Network, session.Gone);
        return uplink.State == UplinkState.Confirmed;
    }));

    private static Step WaitForUndoing => new(
        "wait", session => session.WaitAsync("the move to be taken back", async () => await StateAsync(session) == UplinkState.RolledBack));

    private static Step Delete => new("delete", session => session.DeleteAsync(NetworkPath));

    private static async Task<UplinkState?> StateAsync(Session session) =>
        (await session.Client.Networks.GetAsync(Network, session.Gone)).Value.Status?.Uplink?.State;
}
