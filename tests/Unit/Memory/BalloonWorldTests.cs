using CsCheck;
using Lamina.Api;
using Lamina.Server.Memory;

namespace Lamina.Tests.Unit.Memory;

/// <summary>
/// Worlds of guests whose use of memory rises and falls, under the policy: it never takes what a guest needs, comes to rest when the world does, and
/// does not swing to and fro.
/// </summary>
public sealed class BalloonWorldTests
{
    private const long MiB = 1L << 20;
    private const int Steps = 120;

    /// <summary>A host that is short by far takes some hundred MiB at a time: the largest of these worlds need 160 orders, two steps each.</summary>
    private const int StepsToRest = 1200;

    private static readonly Gen<World> Worlds =
        from hostGiB in Gen.Long[4, 64]
        from ownPart in Gen.Double[0, 0.7]
        from guests in (
            from memory in Gen.Long[256, 8192]
            from used in Gen.Double[0.05, 0.95]
            from touched in Gen.Double[0.2, 1]
            from later in Gen.Double[0.05, 0.95]
            from minimum in Gen.Double[0.1, 1]
            select new SimGuest(memory * MiB, used, touched, later, minimum)).List[1, 12]
        select new World(hostGiB << 30, ownPart, guests);

    [Fact]
    public void Nobody_goes_below_his_minimum_or_his_need() => Worlds.Sample(
        world => Run(world, (guest, order, now) =>
        {
            Assert.True(order >= Math.Min(guest.MinimumBytes, now.TargetBytes), "below its minimum");
            Assert.True(order <= guest.MemoryBytes);
            if (order < now.TargetBytes) Assert.True(guest.UsedBytes + BalloonPolicy.ReserveOf(now) <= order + BalloonPolicy.GrainBytes, "below what it needs");
        }),
        iter: 300);

    [Fact]
    public void A_world_at_rest_comes_to_rest() => Worlds.Sample(
        world =>
        {
            var moves = Run(world, (_, _, _) => { }, StepsToRest);
            // The use of memory changes once, half-way; the last third of what follows is quiet.
            Assert.DoesNotContain(moves, move => move > StepsToRest * 5 / 6);
        },
        iter: 100);

    /// <returns>The steps in which an order was given.</returns>
    private static List<int> Run(World world, Action<SimGuest, long, BalloonGuest> check, int steps = Steps)
    {
        var guests = world.Guests.Select((guest, index) => new Sim($"g{index}", guest)).ToList();
        var phase = BalloonPhase.Idle;
        var moves = new List<int>();
        for (int step = 0; step < steps; step++)
        {
            foreach (var sim in guests) sim.Advance(step >= steps / 2);
            long available = Math.Max(0, (long)(world.HostBytes * (1 - world.OwnPart)) - guests.Sum(sim => sim.Resident));
            var seen = guests.Select(sim => sim.See()).ToList();
            var plan = BalloonPolicy.Next(phase, true, new BalloonHost(world.HostBytes, available, 0), seen);
            phase = plan.Phase;
            foreach (var order in plan.Orders)
            {
                var sim = guests.Single(each => each.Id == order.Id);
                check(sim.Now, order.TargetBytes, seen.Single(guest => guest.Id == order.Id));
                sim.Target = order.TargetBytes;
                moves.Add(step);
            }
        }

        return moves;
    }

    internal sealed record World(long HostBytes, double OwnPart, List<SimGuest> Guests);

    /// <param name="MemoryBytes">All of it.</param>
    /// <param name="Used">Part that programs use at first.</param>
    /// <param name="Touched">Part of the rest that is cache.</param>
    /// <param name="Later">Part that they use from half-way on.</param>
    /// <param name="Minimum">Part that the balloon must leave.</param>
    internal sealed record SimGuest(long MemoryBytes, double Used, double Touched, double Later, double Minimum)
    {
        public long MinimumBytes => (long)(MemoryBytes * Minimum);

        public long UsedBytes { get; init; }
    }

    /// <summary>A guest that follows its balloon in one step, as far as its programs let it; its cache fills what is left.</summary>
    private sealed class Sim(string id, SimGuest guest)
    {
        private long _left = guest.MemoryBytes;
        private long _used = (long)(guest.MemoryBytes * guest.Used);
        private int _waits;

        public string Id { get; } = id;

        public long Target { get; set; } = guest.MemoryBytes;

        public SimGuest Now => guest with { UsedBytes = _used };

        public long Resident => Math.Min(_left, _used + (long)((_left - Math.Min(_left, _used)) * guest.Touched));

        public void Advance(bool isLater)
        {
            _waits = _left == Target ? 0 : _waits + 1;
            _used = (long)(guest.MemoryBytes * (isLater ? guest.Later : guest.Used));
            _left = Math.Max(Target, Math.Min(guest.MemoryBytes, _used));
        }

        public BalloonGuest See() => new()
        {
            Id = Id,
            MemoryBytes = guest.MemoryBytes,
            LeftBytes = _left,
            TargetBytes = Target,
            MinimumBytes = guest.MinimumBytes,
            ResidentBytes = Resident,
            // What has not arrived by then will not (BalloonRest).
            AvailableBytes = _waits is 0 or > 6 ? Math.Max(0, _left - _used) : null,
        };
    }
}
