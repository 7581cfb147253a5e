using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>The host chosen, or why none can take the VM; exactly one of the two is set.</summary>
internal sealed record PlacementVerdict
{
    public string? Host { get; init; }

    /// <summary>Set with <see cref="Host"/>.</summary>
    public PlacementWhy? Why { get; init; }
    public Failure? Refusal { get; init; }
}

/// <summary>
/// Chooses the host of a VM, and says whether a host has room to start one. Pure and deterministic: the same hosts and rules give the same answer,
/// in whatever order they come.
/// </summary>
internal static class Placer
{
    /// <summary>Of a score: a wish that is not met weighs more than any load, and no room now more than any wish.</summary>
    private const int Wish = 10_000;
    private const int NoRoom = 1_000_000;

    /// <summary>So many vCPUs for one core are taken for a full host when loads are compared.</summary>
    private const int CpusPerCore = 8;

    /// <summary>
    /// The best of the hosts that no filter and no rule turns away. A VM that fits no host's free memory is still placed where the host as a whole could
    /// hold it: its start is refused there until there is room, but its disks have a home.
    /// </summary>
    public static PlacementVerdict Place(
        PlacementRequest request, IReadOnlyList<PlacementHost> hosts, IReadOnlyList<PlacementConstraint> constraints, PlacementStrategy strategy)
    {
        int[] rejected = new int[PlacementFilters.All.Count + 1];
        PlacementHost? best = null, second = null;
        int bestScore = 0, secondScore = 0;
        for (int index = 0; index < hosts.Count; index++)
        {
            var host = hosts[index];
            int filter = FirstAgainst(request, host, constraints);
            if (filter >= 0)
            {
                rejected[filter]++;
                continue;
            }

            int score = Score(request, host, constraints, strategy);
            if (best is null || IsBetter(score, host, bestScore, best)) (second, secondScore, best, bestScore) = (best, bestScore, host, score);
            else if (second is null || IsBetter(score, host, secondScore, second)) (second, secondScore) = (host, score);
        }

        if (best is null) return new PlacementVerdict { Refusal = NoHost(request, hosts, constraints) };
        return new PlacementVerdict
        {
            Host = best.Id,
            Why = new PlacementWhy { Reason = PlacementWords.Why(best, second, strategy, HasRoom(request, best)), Hosts = hosts.Count, Rejected = Count(rejected) },
        };
    }

    /// <summary>What each host says, the best first; those that cannot take it after those that can.</summary>
    public static IReadOnlyList<PlacementOpinion> Explain(
        PlacementRequest request, string? here, IReadOnlyList<PlacementHost> hosts, IReadOnlyList<PlacementConstraint> constraints, PlacementStrategy strategy) =>
    [
        .. hosts.Select(host => Opinion(request, here, host, constraints, strategy))
            .OrderByDescending(opinion => opinion.Fits).ThenByDescending(opinion => opinion.Score).ThenBy(opinion => opinion.HostName, StringComparer.Ordinal),
    ];

    /// <summary>Everything that speaks against this host, room included; empty: it can take the VM now.</summary>
    public static IReadOnlyList<Failure> Against(PlacementRequest request, PlacementHost host, IReadOnlyList<PlacementConstraint> constraints)
    {
        var reasons = PlacementFilters.All.Where(filter => filter.Rejects(request, host)).Select(filter => filter.Reason(request, host)).ToList();
        reasons.AddRange(constraints.Where(rule => !rule.Preferred && !rule.Allows(host.Id)).Select(rule => AgainstRule(request, host, rule)));
        if (reasons.All(reason => reason.Code != "placement.memory") && Admit(request.Name, request.MemoryMiB, host) is { } full) reasons.Add(full);
        return reasons;
    }

    /// <summary>Null: there is room to start the VM now.</summary>
    /// <param name="vmName">For the words.</param>
    /// <param name="memoryMiB">The guest's memory.</param>
    /// <param name="host">Where; <see cref="PlacementHost.CommittedMiB"/> without this VM.</param>
    public static Failure? Admit(string vmName, int memoryMiB, PlacementHost host)
    {
        int needed = VmFootprint.Admission(memoryMiB, host.Accelerator);
        if (needed <= host.FreeMiB) return null;
        return new Failure
        {
            Code = "host.memoryFull",
            Message = $"VM '{vmName}' needs {needed} MiB on host '{host.Name}' ({memoryMiB} MiB for the guest, the rest for QEMU), but only {Math.Max(host.FreeMiB, 0)} of {host.CapacityMiB} MiB are not yet promised to running VMs.",
            Remedy = "Stop another VM, or give this one less memory: lamina vm set NAME --memory SIZE. If guests seldom need all of theirs: lamina host set HOST --memory-overcommit 1.5.",
        };
    }

    private static PlacementOpinion Opinion(
        PlacementRequest request, string? here, PlacementHost host, IReadOnlyList<PlacementConstraint> constraints, PlacementStrategy strategy)
    {
        var reasons = Against(request, host, constraints);
        return new PlacementOpinion
        {
            Host = host.Id,
            HostName = host.Name,
            IsHere = host.Id == here,
            Fits = reasons.Count == 0,
            Score = reasons.Count == 0 ? Score(request, host, constraints, strategy) : null,
            Reasons = reasons,
            NeededMiB = VmFootprint.Admission(request.MemoryMiB, host.Accelerator),
            FreeMiB = Math.Max(host.FreeMiB, 0),
        };
    }

    /// <summary>Index of the first filter that turns the host away, one beyond the last for a rule; -1: none does.</summary>
    private static int FirstAgainst(PlacementRequest request, PlacementHost host, IReadOnlyList<PlacementConstraint> constraints)
    {
        var filters = PlacementFilters.All;
        for (int index = 0; index < filters.Count; index++)
        {
            if (filters[index].Rejects(request, host)) return index;
        }

        for (int index = 0; index < constraints.Count; index++)
        {
            if (!constraints[index].Preferred && !constraints[index].Allows(host.Id)) return filters.Count;
        }

        return -1;
    }

    private static int Score(PlacementRequest request, PlacementHost host, IReadOnlyList<PlacementConstraint> constraints, PlacementStrategy strategy)
    {
        int needed = VmFootprint.Admission(request.MemoryMiB, host.Accelerator);
        long memory = 1000L * (host.CommittedMiB + needed) / Math.Max(host.CapacityMiB, 1);
        long cpus = 1000L * (host.CommittedCpus + request.Cpus) / (Math.Max(host.Cores, 1) * CpusPerCore);
        int load = (int)Math.Min(Math.Max(memory, cpus), Wish - 1);
        bool hasRoom = needed <= host.FreeMiB;
        int score = strategy == PlacementStrategy.Pack && hasRoom ? load : Wish - load;
        if (!hasRoom) score -= NoRoom;
        foreach (var rule in constraints)
        {
            if (rule.Preferred && !rule.Allows(host.Id)) score -= Wish;
        }

        return score;
    }

    private static bool IsBetter(int score, PlacementHost host, int thanScore, PlacementHost than) =>
        score != thanScore ? score > thanScore : string.CompareOrdinal(host.Id, than.Id) < 0;

    private static bool HasRoom(PlacementRequest request, PlacementHost host) => VmFootprint.Admission(request.MemoryMiB, host.Accelerator) <= host.FreeMiB;

    private static Failure AgainstRule(PlacementRequest request, PlacementHost host, PlacementConstraint rule) => new()
    {
        Code = PlacementFilters.RuleCode,
        Message = $"VM '{request.Name}' must not be on host '{host.Name}': {rule.Why(host.Id)}.",
        Remedy = $"See: lamina placement rule show {rule.Rule}.",
    };

    private static Dictionary<string, int> Count(int[] rejected)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int index = 0; index < rejected.Length; index++)
        {
            if (rejected[index] > 0) counts[index < PlacementFilters.All.Count ? PlacementFilters.All[index].Code : PlacementFilters.RuleCode] = rejected[index];
        }

        return counts;
    }

    private static Failure NoHost(PlacementRequest request, IReadOnlyList<PlacementHost> hosts, IReadOnlyList<PlacementConstraint> constraints)
    {
        if (hosts.Count == 0)
        {
            return new Failure
            {
                Code = "placement.noHost",
                Message = $"VM '{request.Name}' cannot be placed: no host has reported yet.",
                Remedy = "Wait until the daemon has probed this host: lamina doctor.",
            };
        }

        return PlacementWords.NoHost(request, [.. hosts.Select(host => (host, HardReasons(request, host, constraints)))]);
    }

    private static Failure HardReasons(PlacementRequest request, PlacementHost host, IReadOnlyList<PlacementConstraint> constraints)
    {
        int filter = FirstAgainst(request, host, constraints);
        return filter < PlacementFilters.All.Count
            ? PlacementFilters.All[filter].Reason(request, host)
            : AgainstRule(request, host, constraints.First(rule => !rule.Preferred && !rule.Allows(host.Id)));
    }
}
