using CsCheck;
using Lamina.Server.Maintenance.Plan;
using Xunit;

namespace Lamina.Tests.Unit.Maintenance;

public class BalancePlanTests
{
    private const long GiB = 1L << 30;
    private const int Most = 2;

    private static readonly Gen<World> Worlds =
        from nodes in Gen.Select(Gen.Int[4, 16], Gen.Int[16, 64], Gen.Bool, Gen.Int[0, 9]).List[2, 6]
        from guests in Gen.Select(Gen.Int[0, 99], Gen.Double[0, 4], Gen.Double[0.1, 8]).List[0, 30]
        select new World(
            [.. nodes.Select((node, index) => new BalanceNode($"h{index}", node.Item1, node.Item2 * GiB, 0.2, GiB, node.Item3, node.Item4 > 0))],
            [.. guests.Select((guest, index) => new BalanceGuest($"v{index}", $"h{guest.Item1 % nodes.Count}", guest.Item2, (long)(guest.Item3 * GiB), true))]);

    [Fact]
    public void IdleHostsAreLeftAlone() => Assert.Empty(BalancePlan.Next([Node("a", 2), Node("b", 0)], [Guest("v", "a", 2)], Anywhere, Most));

    [Fact]
    public void ABusyHostIsRelieved()
    {
        var step = Assert.Single(BalancePlan.Next([Node("a", 3.6), Node("b", 0.4)], [Guest("v", "a", 1.6), Guest("w", "a", 2)], Anywhere, 1));
        Assert.Equal(("v", "a", "b"), (step.Vm, step.From, step.To));
    }

    [Fact]
    public void TheWholeLoadIsNotCarriedFromOneHostToAnother() =>
        Assert.Empty(BalancePlan.Next([Node("a", 3.6), Node("b", 0.4)], [Guest("v", "a", 3.5)], Anywhere, Most));

    [Fact]
    public void NobodyGoesWhereItCannot() =>
        Assert.Empty(BalancePlan.Next([Node("a", 3.6), Node("b", 0.4)], [Guest("v", "a", 1.6)], (_, _) => false, Most));

    [Fact]
    public void NobodyGoesToAClosedHost() =>
        Assert.Empty(BalancePlan.Next([Node("a", 3.6), Node("b", 0.4) with { IsOpen = false }], [Guest("v", "a", 1.6)], Anywhere, Most));

    [Fact]
    public void AHostOnWhichTasksWaitIsRelievedEarlier()
    {
        Assert.Empty(BalancePlan.Next([Node("a", 2.4), Node("b", 0.4)], [Guest("v", "a", 1)], Anywhere, Most));
        Assert.Single(BalancePlan.Next([Node("a", 2.4) with { Presses = true }, Node("b", 0.4)], [Guest("v", "a", 1)], Anywhere, Most));
    }

    [Fact]
    public void MovesAreFewAndEachRelievesTheFullerHost() => Worlds.Sample(world =>
    {
        var now = world.Start();
        var steps = BalancePlan.Next(now, world.Guests, Anywhere, Most);
        Assert.True(steps.Count <= Most);
        Assert.Equal(steps.Count, steps.Select(step => step.Vm).Distinct().Count());
        foreach (var step in steps)
        {
            var after = World.After(now, world.Guests, step);
            var (from, to) = (after.Single(node => node.Id == step.From), after.Single(node => node.Id == step.To));
            Assert.True(to.IsOpen && to.Load <= BalancePlan.Fullest);
            double before = now.Where(node => node.Id == step.From || node.Id == step.To).Max(node => node.Load);
            Assert.True(Math.Max(from.Load, to.Load) <= before - BalancePlan.Worthwhile + 1e-9);
            Assert.True(after.Max(node => node.Load) <= now.Max(node => node.Load) + 1e-9);
            now = after;
        }
    });

    /// <summary>Under an even load it comes to an end, and no guest is sent back at once.</summary>
    [Fact]
    public void NothingGoesToAndFro() => Worlds.Sample(world =>
    {
        var now = world.Start();
        var guests = world.Guests;
        IReadOnlyList<BalanceStep> former = [];
        for (int round = 0; ; round++)
        {
            Assert.True(round < 200, "it does not come to an end");
            var steps = BalancePlan.Next(now, guests, Anywhere, Most);
            if (steps.Count == 0) return;
            Assert.DoesNotContain(steps, step => former.Any(other => other.Vm == step.Vm && other.From == step.To));
            foreach (var step in steps)
            {
                now = World.After(now, guests, step);
                guests = [.. guests.Select(guest => guest.Id == step.Vm ? guest with { Host = step.To } : guest)];
            }

            former = steps;
        }
    });

    private static bool Anywhere(string vm, string host) => true;

    private static BalanceNode Node(string id, double cores) => new(id, 4, 32 * GiB, cores, GiB, false, true);

    private static BalanceGuest Guest(string id, string host, double cores) => new(id, host, cores, GiB / 2, true);

    private sealed record World(IReadOnlyList<BalanceNode> Nodes, IReadOnlyList<BalanceGuest> Guests)
    {
        public IReadOnlyList<BalanceNode> Start() => [.. Nodes.Select(node => Guests.Where(guest => guest.Host == node.Id).Aggregate(node, (sum, guest) => sum.With(guest)))];

        public static IReadOnlyList<BalanceNode> After(IReadOnlyList<BalanceNode> nodes, IReadOnlyList<BalanceGuest> guests, BalanceStep step)
        {
            var guest = guests.Single(guest => guest.Id == step.Vm);
            return [.. nodes.Select(node => node.Id == step.From ? node.Without(guest) : node.Id == step.To ? node.With(guest) : node)];
        }
    }
}
