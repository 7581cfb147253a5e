using Lamina.Api;
using Lamina.Server.Memory;

namespace Lamina.Tests.Unit.Memory;

public sealed class BalloonPolicyTests
{
    private const long GiB = 1L << 30;
    private const long MiB = 1L << 20;

    private static BalloonHost Host(double availableGiB, double stalled = 0) => new(32 * GiB, (long)(availableGiB * GiB), stalled);

    private static BalloonGuest Guest(string id, long leftMiB = 4096, long? targetMiB = null, long? availableMiB = 3000, long minimumMiB = 2048, long residentMiB = 3000, long? fixedMiB = null) => new()
    {
        Id = id,
        MemoryBytes = 4 * GiB,
        LeftBytes = leftMiB * MiB,
        TargetBytes = (targetMiB ?? leftMiB) * MiB,
        MinimumBytes = minimumMiB * MiB,
        ResidentBytes = residentMiB * MiB,
        AvailableBytes = availableMiB * MiB,
        FixedBytes = fixedMiB * MiB,
    };

    [Fact]
    public void A_host_with_room_takes_nothing()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Idle, true, Host(10), [Guest("a")]);
        Assert.Equal(BalloonPhase.Idle, plan.Phase);
        Assert.Empty(plan.Orders);
    }

    [Fact]
    public void A_short_host_takes_an_eighth_at_once_at_most()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Idle, true, Host(1), [Guest("a"), Guest("b")]);
        Assert.Equal(BalloonPhase.Taking, plan.Phase);
        Assert.Equal([new BalloonOrder("a", (4096 - 512) * MiB), new BalloonOrder("b", (4096 - 512) * MiB)], plan.Orders);
    }

    [Fact]
    public void It_takes_only_what_it_lacks()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Taking, true, Host(4.5), [Guest("a"), Guest("b")]);
        Assert.Equal(BalloonPhase.Taking, plan.Phase);
        long taken = plan.Orders.Sum(order => (4 * GiB) - order.TargetBytes);
        Assert.InRange(taken, 1, (long)(0.4 * GiB));
    }

    [Fact]
    public void What_is_on_its_way_counts() =>
        Assert.Empty(BalloonPolicy.Next(BalloonPhase.Taking, true, Host(4), [Guest("a", targetMiB: 3072, availableMiB: null), Guest("b")]).Orders);

    [Fact]
    public void A_stall_counts_as_short_while_there_is_not_plenty()
    {
        Assert.Equal(BalloonPhase.Taking, BalloonPolicy.Next(BalloonPhase.Idle, true, Host(5, stalled: 20), [Guest("a")]).Phase);
        Assert.Equal(BalloonPhase.Idle, BalloonPolicy.Next(BalloonPhase.Idle, true, Host(20, stalled: 20), [Guest("a")]).Phase);
    }

    [Fact]
    public void One_that_has_not_told_gives_nothing() =>
        Assert.Empty(BalloonPolicy.Next(BalloonPhase.Taking, true, Host(1), [Guest("a", availableMiB: null)]).Orders);

    [Fact]
    public void One_at_its_minimum_gives_nothing() =>
        Assert.Empty(BalloonPolicy.Next(BalloonPhase.Taking, true, Host(1), [Guest("a", leftMiB: 2048)]).Orders);

    [Fact]
    public void One_that_needs_what_it_has_gives_nothing() =>
        Assert.Empty(BalloonPolicy.Next(BalloonPhase.Taking, true, Host(1), [Guest("a", availableMiB: 600)]).Orders);

    [Fact]
    public void One_whose_reserve_is_used_up_gets_some_back_from_a_short_host()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Taking, true, Host(1), [Guest("a", leftMiB: 3072, availableMiB: 100)]);
        var order = Assert.Single(plan.Orders);
        Assert.True(order.TargetBytes > 3072 * MiB);
    }

    [Fact]
    public void One_that_cannot_give_what_it_was_asked_for_is_let_off()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Taking, true, Host(1), [Guest("a", leftMiB: 3900, targetMiB: 3000, availableMiB: 500)]);
        Assert.Equal([new BalloonOrder("a", (3400 * MiB) + (4 * GiB / 6))], plan.Orders);
    }

    [Fact]
    public void What_was_taken_is_held_between_the_marks()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Taking, true, Host(5.5), [Guest("a", leftMiB: 3072)]);
        Assert.Equal(BalloonPhase.Holding, plan.Phase);
        Assert.Empty(plan.Orders);
    }

    [Fact]
    public void Nothing_is_given_back_that_the_guests_could_make_the_host_miss_at_once()
    {
        // 7 GiB are available, but 3 of them are what the guest may touch any time.
        var plan = BalloonPolicy.Next(BalloonPhase.Holding, true, Host(7), [Guest("a", leftMiB: 3072, residentMiB: 100)]);
        Assert.Equal(BalloonPhase.Holding, plan.Phase);
    }

    [Fact]
    public void A_host_with_plenty_gives_all_back_in_steps()
    {
        var guest = Guest("a", leftMiB: 2048);
        var phase = BalloonPhase.Holding;
        for (int step = 0; step < 10 && guest.BalloonBytes > 0; step++)
        {
            var plan = BalloonPolicy.Next(phase, true, Host(20), [guest]);
            phase = plan.Phase;
            long target = Assert.Single(plan.Orders).TargetBytes;
            Assert.InRange(target - guest.TargetBytes, BalloonPolicy.GrainBytes, 512 * MiB);
            guest = guest with { TargetBytes = target, LeftBytes = target };
        }

        Assert.Equal(0, guest.BalloonBytes);
        Assert.Equal(BalloonPhase.Idle, BalloonPolicy.Next(phase, true, Host(20), [guest]).Phase);
    }

    [Fact]
    public void Switched_off_all_is_given_back_at_once()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Taking, false, Host(1), [Guest("a", leftMiB: 2048), Guest("b")]);
        Assert.Equal(BalloonPhase.Off, plan.Phase);
        Assert.Equal([new BalloonOrder("a", 4 * GiB)], plan.Orders);
    }

    [Fact]
    public void What_is_set_by_hand_is_obeyed_and_left_alone()
    {
        var plan = BalloonPolicy.Next(BalloonPhase.Taking, true, Host(1), [Guest("a", fixedMiB: 1024)]);
        Assert.Equal([new BalloonOrder("a", 1024 * MiB)], plan.Orders);
        Assert.Empty(BalloonPolicy.Next(BalloonPhase.Taking, true, Host(1), [Guest("a", leftMiB: 1024, fixedMiB: 1024, availableMiB: 10)]).Orders);
    }
}
