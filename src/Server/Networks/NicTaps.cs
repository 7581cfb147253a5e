using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>The taps of cards: made when a VM starts, gone when it stopped.</summary>
internal static class NicTaps
{
    /// <summary>
    /// Makes the tap anew, in its bridge: what a crash left of it is removed first. It persists only once its alias tells whose it is, so
    /// that the sweep can know it whenever the daemon dies.
    /// </summary>
    /// <exception cref="ProblemException">A foreign link bears the name.</exception>
    public static void Create(Netlink netlink, string tap, string owner, PlannedNetwork network)
    {
        if (netlink.FindLink(tap) is { } found)
        {
            if (found.Alias != owner)
            {
                throw new ProblemException(
                    ProblemKind.Conflict, "network.linkTaken", $"The card {owner} needs the link {tap}, but that is {found.Alias ?? "somebody else's"}.",
                    $"Remove that link: ip link delete {tap}");
            }

            netlink.DeleteLink(tap);
        }

        using var made = TapDevice.Open(tap);
        netlink.Change(tap, new() { Alias = owner, MtuBytes = network.MtuBytes, Master = network.Bridge, Up = true });
        TapDevice.SetPersistent(made);
    }
}
