using Lamina.Api;

namespace Lamina.Server.Memory;

/// <summary>What the balloons of a host shall do next.</summary>
internal sealed record BalloonPlan(BalloonPhase Phase, IReadOnlyList<BalloonOrder> Orders);

/// <summary>
/// Who gives memory when the host runs short, and who gets it back (pure).
/// <code>
///   idle ──── less than 10 % available, or all tasks stall ───▶ taking ──── 15 % available ───▶ holding
///    ▲                                                            ▲                               │
///    │                                                            └───── less than 10 % ──────────┤
///    └──── nothing is taken any more ──── giving back ◀──── 20 % available, even if guests use all that they have
/// </code>
/// What a guest needs comes before what the host needs: no order goes below its minimum, nor below what it uses and a reserve; and one whose
/// reserve is used up gets some back in any phase. The gap between the marks, and that nothing is given back which guests could make the host
/// miss at once, keep it from swinging to and fro.
/// </summary>
internal static class BalloonPolicy
{
    private const int ShortPercent = 10;
    private const int AimPercent = 15;
    private const int AmplePercent = 20;
    private const double StallPercent = 10;

    /// <summary>An order below this is not worth the guest's work.</summary>
    public const long GrainBytes = 16L << 20;

    private const long LeastReserveBytes = 64L << 20;
    private const int ReserveParts = 6;

    /// <summary>A guest needs time to find what it can spare: at most this part of its memory at once.</summary>
    private const int StepParts = 8;

    public static BalloonPlan Next(BalloonPhase phase, bool isOn, BalloonHost host, IReadOnlyList<BalloonGuest> guests)
    {
        var free = guests.Where(guest => guest.FixedBytes is null).ToList();
        var byHand = guests.Where(guest => guest.FixedBytes is { } wanted && wanted != guest.TargetBytes).Select(guest => new BalloonOrder(guest.Id, guest.FixedBytes!.Value));
        if (!isOn) return new(BalloonPhase.Off, [.. byHand, .. free.Where(guest => guest.BalloonBytes > 0).Select(guest => new BalloonOrder(guest.Id, guest.MemoryBytes))]);
        var next = PhaseAfter(phase, host, free);
        var needy = free.Select(Relief).OfType<BalloonOrder>().ToList();
        var others = free.Where(guest => needy.All(order => order.Id != guest.Id)).ToList();
        var orders = next switch
        {
            BalloonPhase.Taking => Take(host, others),
            BalloonPhase.GivingBack => GiveBack(host, others),
            _ => [],
        };
        return new(next, [.. byHand, .. needy, .. orders]);
    }

    /// <summary>What a guest keeps beyond what it uses.</summary>
    public static long ReserveOf(BalloonGuest guest) => Math.Max(LeastReserveBytes, guest.MemoryBytes / ReserveParts);

    private static BalloonPhase PhaseAfter(BalloonPhase phase, BalloonHost host, IReadOnlyList<BalloonGuest> guests)
    {
        bool isAnythingTaken = guests.Any(guest => guest.BalloonBytes > 0);
        bool isShort = host.AvailableBytes < Part(host, ShortPercent) || (host.StalledPercent >= StallPercent && host.AvailableBytes < Part(host, AmplePercent));
        if (isShort || (phase == BalloonPhase.Taking && host.AvailableBytes < Part(host, AimPercent))) return BalloonPhase.Taking;
        if (!isAnythingTaken) return BalloonPhase.Idle;
        long sure = Surely(host, guests);
        if (sure > Part(host, AmplePercent) || (phase == BalloonPhase.GivingBack && sure > Part(host, AimPercent))) return BalloonPhase.GivingBack;
        return BalloonPhase.Holding;
    }

    /// <summary>Each gives in proportion to what it has to spare; what is already on its way counts.</summary>
    private static List<BalloonOrder> Take(BalloonHost host, IReadOnlyList<BalloonGuest> guests)
    {
        long onItsWay = guests.Sum(guest => Math.Max(0, guest.LeftBytes - guest.TargetBytes));
        long wanted = Part(host, AimPercent) - host.AvailableBytes - onItsWay;
        var spare = guests.Select(guest => (Guest: guest, Bytes: SpareOf(guest))).Where(pair => pair.Bytes >= GrainBytes).ToList();
        long all = spare.Sum(pair => pair.Bytes);
        if (wanted < GrainBytes || all == 0) return [];
        double part = Math.Min(1, (double)wanted / all);
        return [.. spare.Select(pair => (pair.Guest, Bytes: Grains(Math.Max(GrainBytes, (long)(part * pair.Bytes))))).Select(pair => new BalloonOrder(pair.Guest.Id, pair.Guest.TargetBytes - pair.Bytes))];
    }

    /// <summary>Each gets in proportion to what was taken from it.</summary>
    private static List<BalloonOrder> GiveBack(BalloonHost host, IReadOnlyList<BalloonGuest> guests)
    {
        long surplus = Surely(host, guests) - Part(host, AimPercent);
        long taken = guests.Sum(guest => guest.BalloonBytes);
        if (surplus < GrainBytes || taken == 0) return [];
        double part = Math.Min(1, (double)surplus / taken);
        var orders = new List<BalloonOrder>();
        foreach (var guest in guests.Where(guest => guest.BalloonBytes > 0))
        {
            long bytes = Math.Min((long)(part * guest.BalloonBytes), guest.MemoryBytes / StepParts);
            // The last bit goes at once.
            if (guest.BalloonBytes - bytes < GrainBytes && surplus >= guest.BalloonBytes) bytes = guest.BalloonBytes;
            if (bytes == guest.BalloonBytes || bytes >= GrainBytes) orders.Add(new(guest.Id, guest.TargetBytes + bytes));
        }

        return orders;
    }

    /// <summary>
    /// One that has used up half of its reserve gets it back, whatever the host's state is; so does one that could not give what it was asked for, for
    /// its driver would go on trying.
    /// </summary>
    private static BalloonOrder? Relief(BalloonGuest guest)
    {
        if (guest.BalloonBytes == 0 || guest.AvailableBytes is not { } available) return null;
        long reserve = ReserveOf(guest);
        bool isStuck = guest.LeftBytes - guest.TargetBytes >= GrainBytes;
        if (available > reserve / 2 && !isStuck) return null;
        long missing = Math.Max(isStuck ? 0 : GrainBytes, reserve - available);
        return new(guest.Id, Math.Min(guest.MemoryBytes, Math.Max(guest.TargetBytes, guest.LeftBytes) + missing));
    }

    private static long SpareOf(BalloonGuest guest)
    {
        if (guest.AvailableBytes is not { } available) return 0;
        long beyondNeed = available - ReserveOf(guest);
        long aboveMinimum = Math.Min(guest.LeftBytes, guest.TargetBytes) - guest.MinimumBytes;
        return Math.Max(0, Grains(Math.Min(Math.Min(beyondNeed, aboveMinimum), guest.MemoryBytes / StepParts)));
    }

    /// <summary>What is available even if every guest that has given something touched all that it has left.</summary>
    private static long Surely(BalloonHost host, IReadOnlyList<BalloonGuest> guests) =>
        host.AvailableBytes - guests.Where(guest => guest.BalloonBytes > 0).Sum(guest => Math.Max(0, Math.Max(guest.LeftBytes, guest.TargetBytes) - guest.ResidentBytes));

    private static long Part(BalloonHost host, int percent) => host.TotalBytes / 100 * percent;

    private static long Grains(long bytes) => bytes - (bytes % GrainBytes);
}
