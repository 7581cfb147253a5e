using CsCheck;
using Lamina.Api;
using Lamina.Server.Hosts;

namespace Lamina.Tests.Unit.Hosts;

/// <summary>Whose clock is off.</summary>
public sealed class HostClocksTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void OfThreeTheOneApartIsOffAlsoWhenItIsTheOneThatAsks()
    {
        Assert.Equal([0, 0, 3600], Ahead(Reading("b", 0), Reading("c", 3600)));
        Assert.Equal([-3600, 0, 0.5], Ahead(Reading("b", 3600), Reading("c", 3600.5)));
    }

    [Fact]
    public void OfTwoTheOneThatAsksIsBelievedUnlessItIsOnRecordAsOff()
    {
        Assert.Equal([0, -7200], Ahead(Reading("b", -7200)));
        Assert.Equal([7200, 0], Ahead(["a"], Reading("b", -7200)));
        // A majority is more than what was said before.
        Assert.Equal([-7200, 0, 0], Ahead(["b"], Reading("b", 7200), Reading("c", 7200)));
    }

    [Fact]
    public void OfTwoHalvesTheOneOfTheAskingHostIsBelieved() => Assert.Equal([0, 0, 60, 60], Ahead(Reading("b", 0), Reading("c", 60), Reading("d", 60)));

    [Fact]
    public void WhenNobodyAnswersNothingIsKnown() => Assert.Empty(HostClocks.AgainstMost("a", [], _ => false));

    /// <summary>However wrong fewer than half of them are: those are found, and no other.</summary>
    [Fact]
    public void AMinorityThatIsOffIsFound() => Gen.Select(Gen.Int[3, 9], Gen.Double[-0.9, 0.9].Array[9], Gen.Double[10, 90_000].Array[9], Gen.Int).Sample((count, jitter, wrong, seed) =>
    {
        var random = new Random(seed);
        var off = Enumerable.Range(0, count).OrderBy(_ => random.Next()).Take((count - 1) / 2).ToHashSet();
        double[] clocks = [.. Enumerable.Range(0, count).Select(host => jitter[host] + (off.Contains(host) ? wrong[host] * (random.Next(2) == 0 ? 1 : -1) : 0))];
        var readings = Enumerable.Range(1, count - 1).Select(host => Reading($"{host}", clocks[host] - clocks[0])).ToList();
        var found = HostClocks.AgainstMost("0", readings, _ => false).Where(reading => HostClocks.Judge(reading, null, Now) is not null).Select(reading => int.Parse(reading.Host));
        return off.SetEquals(found);
    });

    [Fact]
    public void WhatIsNotSureIsNotSaidAndWhatWasSaidHolds()
    {
        var known = new HostClockSkew { AheadMs = 3000, Since = Now };
        Assert.Null(HostClocks.Judge(Reading("b", 2), null, Now));
        Assert.Null(HostClocks.Judge(Reading("b", 3, doubt: 2), null, Now));
        Assert.Same(known, HostClocks.Judge(Reading("b", 3, doubt: 2), known, Now));
        Assert.Null(HostClocks.Judge(Reading("b", 1.9, doubt: 2), known, Now));
    }

    [Fact]
    public void ItIsWrittenAgainOnlyWhenItIsAnotherStory()
    {
        var known = HostClocks.Judge(Reading("b", -60), null, Now)!;
        Assert.Equal((-60_000, Now), (known.AheadMs, known.Since));
        Assert.Same(known, HostClocks.Judge(Reading("b", -66.5), known, Now.AddDays(1)));
        var other = HostClocks.Judge(Reading("b", 60), known, Now.AddDays(1))!;
        Assert.Equal((60_000, Now), (other.AheadMs, other.Since));
    }

    [Theory]
    [InlineData(3200, "3.2 s ahead of those of the other hosts", true)]
    [InlineData(-7200000, "7200 s behind those of the other hosts", false)]
    public void IsToldInWords(long ahead, string words, bool bearable)
    {
        var clock = new HostClockSkew { AheadMs = ahead, Since = Now };
        Assert.Equal((words, bearable), (HostClocks.Words(clock), HostClocks.IsBearable(clock)));
    }

    private static ClockReading Reading(string host, double ahead, double doubt = 0) => new(host, TimeSpan.FromSeconds(ahead), TimeSpan.FromSeconds(doubt));

    private static IEnumerable<double> Ahead(params ClockReading[] others) => Ahead([], others);

    private static IEnumerable<double> Ahead(string[] suspects, params ClockReading[] others) => HostClocks.AgainstMost("a", others, suspects.Contains).Select(reading => reading.Ahead.TotalSeconds);
}
