namespace Lamina.Server.Maintenance.Plan;

/// <summary>A host, as balancing sees it.</summary>
/// <param name="Id">Of the host.</param>
/// <param name="Cores">How many it has.</param>
/// <param name="MemoryBytes">How much it has.</param>
/// <param name="UsedCores">On the mean of some minutes.</param>
/// <param name="UsedBytes">Of its memory.</param>
/// <param name="Presses">Tasks wait there for CPU or memory for a good part of the time (PSI).</param>
/// <param name="IsOpen">It takes VMs.</param>
internal sealed record BalanceNode(string Id, int Cores, long MemoryBytes, double UsedCores, long UsedBytes, bool Presses, bool IsOpen)
{
    /// <summary>Of CPU and memory, what is used most; 1 is all of it.</summary>
    public double Load => Math.Max(UsedCores / Math.Max(Cores, 1), (double)UsedBytes / Math.Max(MemoryBytes, 1));

    public BalanceNode Without(BalanceGuest guest) => this with { UsedCores = Math.Max(UsedCores - guest.UsedCores, 0), UsedBytes = Math.Max(UsedBytes - guest.UsedBytes, 0) };

    public BalanceNode With(BalanceGuest guest) => this with { UsedCores = UsedCores + guest.UsedCores, UsedBytes = UsedBytes + guest.UsedBytes };
}

/// <summary>A guest that runs.</summary>
/// <param name="Id">Of the VM.</param>
/// <param name="Host">Id of its host.</param>
/// <param name="UsedCores">On the mean of some minutes.</param>
/// <param name="UsedBytes">Of its memory: what a migration sends.</param>
/// <param name="IsMovable">It may be moved: it has not just been, and nothing else is done with it.</param>
internal sealed record BalanceGuest(string Id, string Host, double UsedCores, long UsedBytes, bool IsMovable);

/// <summary>A worthwhile move, with the loads of both hosts before and after it.</summary>
internal sealed record BalanceStep(string Vm, string From, string To, double FromLoad, double ToLoad, double FromAfter, double ToAfter);

/// <summary>
/// Which moves even out the load of hosts enough to be worth their while (pure). A move must take the pressure from the busiest host, and the fuller of the two
/// hosts must be clearly less full after it: its way back would make it fuller, so that nothing goes to and fro.
/// </summary>
internal static class BalancePlan
{
    /// <summary>A host below this has no need of relief, however idle others are.</summary>
    public const double Busy = 0.7;

    /// <summary>The same for one on which tasks wait.</summary>
    public const double BusyUnderPressure = 0.5;

    /// <summary>By so much the fuller of the two hosts must be relieved.</summary>
    public const double Worthwhile = 0.1;

    /// <summary>No host is filled further than this.</summary>
    public const double Fullest = 0.85;

    /// <param name="nodes">Hosts whose load is known.</param>
    /// <param name="guests">Their guests.</param>
    /// <param name="canGo">Whether a VM may go to a host: placement, migration.</param>
    /// <param name="most">No more moves than this.</param>
    public static IReadOnlyList<BalanceStep> Next(IReadOnlyList<BalanceNode> nodes, IReadOnlyList<BalanceGuest> guests, Func<string, string, bool> canGo, int most)
    {
        var now = nodes.ToDictionary(node => node.Id, StringComparer.Ordinal);
        var left = guests.Where(guest => guest.IsMovable).ToList();
        var steps = new List<BalanceStep>();
        while (steps.Count < most && Best(now, left, canGo) is { } step)
        {
            var guest = left.First(guest => guest.Id == step.Vm);
            now[step.From] = now[step.From].Without(guest);
            now[step.To] = now[step.To].With(guest);
            // One move each: what it does to the load is measured before anything else is done with it.
            left.Remove(guest);
            steps.Add(step);
        }

        return steps;
    }

    private static BalanceStep? Best(Dictionary<string, BalanceNode> nodes, List<BalanceGuest> guests, Func<string, string, bool> canGo)
    {
        foreach (var busy in nodes.Values.Where(NeedsRelief).OrderByDescending(node => node.Load).ThenBy(node => node.Id, StringComparer.Ordinal))
        {
            var found = guests.Where(guest => guest.Host == busy.Id)
                .SelectMany(guest => nodes.Values.Where(to => to.Id != busy.Id && to.IsOpen).Select(to => (Guest: guest, Step: StepOf(busy, to, guest))))
                .Where(candidate => IsWorthwhile(candidate.Step))
                .OrderBy(candidate => Math.Round(Math.Max(candidate.Step.FromAfter, candidate.Step.ToAfter), 2))
                .ThenBy(candidate => candidate.Guest.UsedBytes).ThenBy(candidate => candidate.Guest.Id, StringComparer.Ordinal).ThenBy(candidate => candidate.Step.To, StringComparer.Ordinal)
                .Select(candidate => candidate.Step).FirstOrDefault(step => canGo(step.Vm, step.To));
            if (found is not null) return found;
        }

        return null;
    }

    private static bool NeedsRelief(BalanceNode node) => node.Load >= (node.Presses ? BusyUnderPressure : Busy);

    private static BalanceStep StepOf(BalanceNode from, BalanceNode to, BalanceGuest guest) =>
        new(guest.Id, from.Id, to.Id, from.Load, to.Load, from.Without(guest).Load, to.With(guest).Load);

    private static bool IsWorthwhile(BalanceStep step) =>
        step.ToAfter <= Fullest && Math.Max(step.FromAfter, step.ToAfter) <= Math.Max(step.FromLoad, step.ToLoad) - Worthwhile;
}
