using System.Net;
using Lamina.Server.Auth;
using Lamina.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Auth;

public sealed class LoginThrottleTests
{
    private static readonly IPAddress Here = IPAddress.Parse("198.51.100.7");

    private readonly FakeTimeProvider _time = new();
    private readonly JumpingTime _clock;
    private readonly LoginThrottle _throttle;

    public LoginThrottleTests() => _throttle = new LoginThrottle(_clock = new JumpingTime(_time));

    [Fact]
    public void TheFourthGuessAtAUserWaits()
    {
        Fail("ann", LoginThrottle.FreeFailuresOfUser + 1);
        Assert.True(_throttle.Begin("ann", null) > TimeSpan.Zero);
    }

    [Fact]
    public void EachFurtherFailureDoublesTheWait()
    {
        Fail("ann", LoginThrottle.FreeFailuresOfUser + 1);
        var first = _throttle.Begin("ann", null);
        _time.Advance(first);
        Assert.Equal(TimeSpan.Zero, _throttle.Begin("ann", null));
        Assert.Equal(first * 2, _throttle.Begin("ann", null));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(-5)]
    public void AClockThatIsSetNeitherOpensTheDoorNorLocksItForHours(int hours)
    {
        Fail("ann", LoginThrottle.FreeFailuresOfUser + 1);
        var wait = _throttle.Begin("ann", null);
        _clock.Ahead = TimeSpan.FromHours(hours);
        Assert.Equal(wait, _throttle.Begin("ann", null));
        _time.Advance(wait);
        Assert.Equal(TimeSpan.Zero, _throttle.Begin("ann", null));
    }

    [Fact]
    public void RefusedAttemptsDoNotProlongTheWait()
    {
        Fail("ann", LoginThrottle.FreeFailuresOfUser + 1);
        var wait = _throttle.Begin("ann", null);
        for (int i = 0; i < 50; i++) Assert.Equal(wait, _throttle.Begin("ann", null));
    }

    [Fact]
    public void ManyUsersFromOneAddressWaitToo()
    {
        for (int i = 0; i <= LoginThrottle.FreeFailuresOfAddress; i++) Assert.Equal(TimeSpan.Zero, _throttle.Begin($"user{i}", Here));
        Assert.True(_throttle.Begin("another", Here) > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, _throttle.Begin("another", IPAddress.Parse("198.51.100.8")));
    }

    [Fact]
    public void AnAddressMappedIntoIpv6IsTheSame()
    {
        for (int i = 0; i <= LoginThrottle.FreeFailuresOfAddress; i++) _throttle.Begin($"user{i}", Here);
        Assert.True(_throttle.Begin("another", Here.MapToIPv6()) > TimeSpan.Zero);
    }

    [Fact]
    public void ANeighbourInTheSameIpv6NetworkIsTheSame()
    {
        for (int i = 0; i <= LoginThrottle.FreeFailuresOfAddress; i++) _throttle.Begin($"user{i}", IPAddress.Parse($"2001:db8::{i:x}"));
        Assert.True(_throttle.Begin("another", IPAddress.Parse("2001:db8::ffff")) > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, _throttle.Begin("another", IPAddress.Parse("2001:db8:0:1::1")));
    }

    [Fact]
    public void StrangersCannotLockAPersonOutForLong()
    {
        for (int i = 0; i < 100; i++) _time.Advance(_throttle.Begin("ann", null));
        Assert.True(_throttle.Begin("ann", null) <= LoginThrottle.LongestUserWait);
    }

    [Fact]
    public void ASuccessForgetsTheUsersFailuresButNotTheAddresses()
    {
        for (int i = 0; i < LoginThrottle.FreeFailuresOfAddress; i++) _throttle.Begin($"user{i}", Here);
        Assert.Equal(TimeSpan.Zero, _throttle.Begin("mine", Here));
        _throttle.Succeeded("mine", Here);
        Assert.Equal(TimeSpan.Zero, _throttle.Begin("victim", Here));
        Assert.True(_throttle.Begin("victim", Here) > TimeSpan.Zero);
    }

    [Fact]
    public void FailuresAreForgottenInTime()
    {
        Fail("ann", LoginThrottle.FreeFailuresOfUser);
        _time.Advance(LoginThrottle.Memory + LoginThrottle.LongestUserWait);
        Fail("ann", LoginThrottle.FreeFailuresOfUser);
        Assert.Equal(TimeSpan.Zero, _throttle.Begin("ann", null));
    }

    [Fact]
    public void MemoryIsBoundedAndTheLongestBlockedAreKept()
    {
        Fail("victim", LoginThrottle.FreeFailuresOfUser + 1);
        for (int i = 0; i < LoginThrottle.Capacity * 2; i++) _throttle.Begin($"noise{i}", null);
        Assert.True(_throttle.Remembered <= LoginThrottle.Capacity);
        Assert.True(_throttle.Begin("victim", null) > TimeSpan.Zero);
    }

    private void Fail(string user, int times)
    {
        for (int i = 0; i < times; i++) Assert.Equal(TimeSpan.Zero, _throttle.Begin(user, null));
    }
}
