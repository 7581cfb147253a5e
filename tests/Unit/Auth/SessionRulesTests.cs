using Lamina.Api;
using Lamina.Server.Auth;

namespace Lamina.Tests.Unit.Auth;

public sealed class SessionRulesTests
{
    private static readonly DateTimeOffset Start = AuthWorld.Now;

    [Fact]
    public void UseNeverMovesTheEndBeyondTheLongest() =>
        Assert.Equal(Start + SessionRules.Longest, SessionRules.EndFor(Start, Start + SessionRules.Longest - TimeSpan.FromMinutes(1)));

    [Fact]
    public void UseMovesTheEnd() => Assert.Equal(Start.AddHours(5) + SessionRules.Idle, SessionRules.EndFor(Start, Start.AddHours(5)));

    [Theory]
    [InlineData(0, false)]
    [InlineData(59, false)]
    [InlineData(60, true)]
    [InlineData(600, true)]
    public void TheMoveIsWrittenAtMostHourly(int minutes, bool due)
    {
        var session = new SessionRecord { User = "ann", CreatedAt = Start, ExpiresAt = SessionRules.EndFor(Start, Start) };
        Assert.Equal(due, SessionRules.ShouldRenew(session, Start.AddMinutes(minutes)));
    }

    [Fact]
    public void AtItsLongestItIsNoLongerWritten()
    {
        var session = new SessionRecord { User = "ann", CreatedAt = Start, ExpiresAt = Start + SessionRules.Longest };
        Assert.False(SessionRules.ShouldRenew(session, Start + SessionRules.Longest - TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void TheOldestMakeRoom()
    {
        var world = new AuthWorld().User("ann");
        for (int i = 0; i < SessionRules.MostPerUser + 2; i++) world.Session("ann", $"lms_{i}", Start.AddMinutes(i + 1));
        world.Session("bob", "lms_bob");
        Assert.Equal([Secret.Hash("lms_0"), Secret.Hash("lms_1"), Secret.Hash("lms_2")], SessionRules.Surplus(world.Snapshot, "ann").Select(session => session.Id));
    }

    [Fact]
    public void AFewSessionsStay() => Assert.Empty(SessionRules.Surplus(new AuthWorld().Session("ann", "lms_1").Snapshot, "ann"));
}
