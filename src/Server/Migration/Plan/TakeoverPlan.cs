using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

/// <summary>What the records say of a VM that is to be taken from a host.</summary>
internal sealed record TakeoverSeen
{
    /// <summary>Id of the host that is said to be dead.</summary>
    public required string Dead { get; init; }

    /// <summary>Its daemon holds its lease.</summary>
    public bool DeadIsLive { get; init; }

    /// <summary>There is evidence that it runs nothing any more, recorded or brought now.</summary>
    public bool IsProved { get; init; }
    public required VmAssignment Assignment { get; init; }
    public VmHandover? Handover { get; init; }

    /// <summary>The source's word on the hand-over.</summary>
    public HandoverSource? Source { get; init; }

    /// <summary>The target's word on the hand-over.</summary>
    public HandoverTarget? Target { get; init; }

    /// <summary>The daemon of the hand-over's target lives.</summary>
    public bool TargetIsLive { get; init; }

    /// <summary>The VM's status is the target's, at its epoch.</summary>
    public bool HasTaken { get; init; }
}

internal enum TakeoverRefusal
{
    /// <summary>Another host has it.</summary>
    NotThere,

    /// <summary>The host lives.</summary>
    Live,

    /// <summary>It is silent, which proves nothing.</summary>
    NotProved,

    /// <summary>The hand-over goes on without the dead host: its target has what it needs, and lives.</summary>
    Arriving,
}

internal abstract record TakeoverStep
{
    public sealed record Refuse(TakeoverRefusal Why) : TakeoverStep;

    /// <summary>Gives the VM to another host, which starts it from its disks. A hand-over that is on record ends with it.</summary>
    /// <param name="Epoch">Above that of every process there may be of it.</param>
    /// <param name="Only">The one host that may have it, since it has a process of it that ends first; null: any other than the dead one.</param>
    public sealed record Take(long Epoch, string? Only = null) : TakeoverStep;

    /// <summary>Another host has it, whole, and the dead one cannot tidy up any more: only the record of the hand-over goes.</summary>
    public sealed record Settle : TakeoverStep;
}

/// <summary>
/// The rows of the recovery table in which a host is gone for good (pure). Evidence comes first, whatever else is so: silence is none. While a hand-over can
/// still come to its end without the dead host, it does, since it loses nothing.
/// </summary>
internal static class TakeoverPlan
{
    public static TakeoverStep Next(TakeoverSeen seen) => seen switch
    {
        { DeadIsLive: true } => new TakeoverStep.Refuse(TakeoverRefusal.Live),
        { IsProved: false } => new TakeoverStep.Refuse(TakeoverRefusal.NotProved),
        _ when seen.Assignment.Host == seen.Dead => OfOwner(seen),
        _ => OfFormerOwner(seen),
    };

    private static TakeoverStep OfOwner(TakeoverSeen seen) => seen switch
    {
        // Prepared, the source is gone, and the target has its word: its COMMIT is as good as if the source lived.
        { Handover: { Phase: HandoverPhase.Prepared } handover, Source: { } word, TargetIsLive: true } when word.Completed && seen.Target?.State != HandoverTargetState.Failed && handover.From == seen.Dead =>
            new TakeoverStep.Refuse(TakeoverRefusal.Arriving),
        _ => new TakeoverStep.Take(EpochOf(seen)),
    };

    private static TakeoverStep OfFormerOwner(TakeoverSeen seen)
    {
        if (seen.Handover is not { Phase: HandoverPhase.Committed } handover || handover.From != seen.Dead) return new TakeoverStep.Refuse(TakeoverRefusal.NotThere);
        if (seen.HasTaken) return new TakeoverStep.Settle();
        // Post-copy: what is missing of its memory was the source's alone. Its target has a process that waits for it.
        return handover.PostCopy ? new TakeoverStep.Take(EpochOf(seen), handover.To) : new TakeoverStep.Refuse(TakeoverRefusal.Arriving);
    }

    /// <summary>A target's process bears the epoch after the hand-over's, also before its commit.</summary>
    private static long EpochOf(TakeoverSeen seen) => Math.Max(seen.Assignment.Epoch, seen.Handover is { } handover ? handover.Epoch + 1 : 0) + 1;
}
