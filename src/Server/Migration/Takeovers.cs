using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Placement;
using Lamina.Server.Vms;

namespace Lamina.Server.Migration;

/// <summary>What is asked of a takeover.</summary>
internal sealed record TakeoverRequest
{
    /// <summary>Id of the host that is dead.</summary>
    public required string From { get; init; }

    /// <summary>Id of the host to give it to; null: the best one.</summary>
    public string? To { get; init; }

    /// <summary>The word that it is dead comes with the request.</summary>
    public bool IsSaid { get; init; }

    /// <summary>Whose word it is, or who asks.</summary>
    public required string RequestedBy { get; init; }
}

/// <summary>What is to be done, or everything that stands in the way.</summary>
internal sealed record TakeoverDecision
{
    public required TakeoverStep Step { get; init; }

    /// <summary>Empty: it can be done.</summary>
    public IReadOnlyList<Failure> Blockers { get; init; } = [];

    /// <summary>Id of the host that gets it; null: it is another one's already.</summary>
    public string? Host { get; init; }
    public PlacementWhy? Why { get; init; }

    /// <summary>Its guest ran, or was to run: it is started anew from its disks.</summary>
    public bool Starts { get; init; }
}

/// <summary>Whether and where a VM of a dead host is taken over (pure).</summary>
internal static class Takeovers
{
    public static TakeoverDecision Decide(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, TakeoverRequest request)
    {
        if (snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record is not { } assignment)
            return Refused(new TakeoverStep.Refuse(TakeoverRefusal.NotThere), TakeoverWords.NotPlaced(vm.Record.Name));
        var seen = See(snapshot, vm.Id, assignment, request);
        var step = TakeoverPlan.Next(seen);
        return step switch
        {
            TakeoverStep.Refuse refused => Refused(step, TakeoverWords.Of(snapshot, vm, request, refused.Why, seen)),
            TakeoverStep.Take take => Place(snapshot, vm, request, take),
            _ => new TakeoverDecision { Step = step },
        };
    }

    /// <summary>Its guest is to run: it did, or an order to start it waits. An order to stop it, or its deletion, is carried out where it goes.</summary>
    public static bool Starts(VmSpec spec, VmStatus? status)
    {
        if (spec.Deleting is not null) return false;
        if (spec.Power.Request is { } request && request != status?.Served) return spec.Power.Wanted != PowerWanted.Stopped;
        return status?.State is VmState.Running or VmState.Paused or VmState.Starting or VmState.Unresponsive || status is { State: VmState.Stopping, StopCause: null };
    }

    private static TakeoverSeen See(CacheSnapshot snapshot, string vmId, VmAssignment assignment, TakeoverRequest request)
    {
        var handover = snapshot.Get(Keys.Vms.Handover, vmId)?.Record;
        return new TakeoverSeen
        {
            Dead = request.From,
            DeadIsLive = HostPresence.IsLive(snapshot, request.From),
            IsProved = request.IsSaid || HostDeaths.Of(snapshot, request.From) is not null,
            Assignment = assignment,
            Handover = handover,
            Source = snapshot.Get(Keys.Vms.HandoverSource, vmId)?.Record is { } source && source.Nonce == handover?.Nonce ? source : null,
            Target = snapshot.Get(Keys.Vms.HandoverTarget, vmId)?.Record is { } target && target.Nonce == handover?.Nonce ? target : null,
            TargetIsLive = handover is not null && HostPresence.IsLive(snapshot, handover.To),
            HasTaken = handover is not null && snapshot.Get(Keys.Vms.Status, vmId)?.Record.Epoch == handover.Epoch + 1,
        };
    }

    /// <summary>The best host that has all it needs; else, of each that was asked for, everything that is against it.</summary>
    private static TakeoverDecision Place(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, TakeoverRequest request, TakeoverStep.Take take)
    {
        bool starts = Starts(vm.Record, snapshot.Get(Keys.Vms.Status, vm.Id)?.Record);
        string? only = take.Only ?? request.To;
        if (take.Only is not null && request.To is { } to && to != take.Only) return Refused(take, TakeoverWords.OnlyThere(snapshot, vm.Record.Name, take.Only));
        var wanted = PlacementBoard.RequestOf(snapshot, vm) with { Pools = [] };
        var world = PlacementBoard.Read(snapshot);
        var reasons = new List<Failure>();
        int rejected = 0;
        foreach (var opinion in world.Explain(wanted, request.From).Where(opinion => opinion.Host != request.From && (only is null || opinion.Host == only)))
        {
            var host = world.Hosts.First(known => known.Id == opinion.Host);
            List<Failure> against = [.. TakeoverReach.Missing(snapshot, vm, host), .. opinion.Reasons.Where(reason => starts || reason.Code != "host.memoryFull")];
            if (against.Count > 0)
            {
                rejected++;
                reasons.AddRange(against);
                continue;
            }

            string reason = $"Host '{snapshot.HostName(request.From)}' is dead; of those that have all it needs, '{host.Name}' {(only is null ? "is the best" : "was named")}.";
            return new TakeoverDecision { Step = take, Host = host.Id, Starts = starts, Why = new PlacementWhy { Reason = reason, Hosts = world.Hosts.Count, Rejected = new Dictionary<string, int> { ["takeOver"] = rejected } } };
        }

        if (reasons.Count == 0) reasons.Add(TakeoverWords.NoHost(snapshot, vm.Record.Name, only));
        return Refused(take, [.. reasons.DistinctBy(reason => reason.Message)]);
    }

    private static TakeoverDecision Refused(TakeoverStep step, params IReadOnlyList<Failure> why) => new() { Step = step, Blockers = why };
}
