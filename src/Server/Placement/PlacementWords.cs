using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>Decisions of placement in words (pure).</summary>
internal static class PlacementWords
{
    /// <summary>More than these are counted and not named.</summary>
    private const int MostNamed = 5;

    public static string Why(PlacementHost best, PlacementHost? second, PlacementStrategy strategy, bool hasRoom)
    {
        if (!hasRoom) return $"No host has memory for it now; host '{best.Name}' lacks least.";
        if (second is null) return $"Host '{best.Name}' is the only one that can take it.";
        return strategy == PlacementStrategy.Pack
            ? $"Host '{best.Name}' is the fullest that has room ({Room(best)}); next was '{second.Name}' ({Room(second)})."
            : $"Host '{best.Name}' has most to spare ({Room(best)}); next was '{second.Name}' ({Room(second)}).";
    }

    /// <param name="request">Of the VM.</param>
    /// <param name="refusals">Each host with what turned it away.</param>
    public static Failure NoHost(PlacementRequest request, IReadOnlyList<(PlacementHost Host, Failure Reason)> refusals)
    {
        string more = refusals.Count > MostNamed ? $" (and {refusals.Count - MostNamed} more hosts)" : "";
        return new Failure
        {
            Code = "placement.noHost",
            Message = $"VM '{request.Name}' fits no host. " + string.Join(" ", refusals.Take(MostNamed).Select(refusal => refusal.Reason.Message)) + more,
            Remedy = refusals[0].Reason.Remedy,
        };
    }

    private static string Room(PlacementHost host) => $"{Math.Max(host.FreeMiB, 0)} of {host.CapacityMiB} MiB free, {host.CommittedCpus} vCPUs on {host.Cores} cores";
}
