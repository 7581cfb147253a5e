using CsCheck;
using Lamina.Server.Maintenance.Plan;
using Xunit;

namespace Lamina.Tests.Unit.Maintenance;

/// <summary>Evacuations on a simulated network: links of a set rate that streams share evenly, guests that write while they are sent.</summary>
public class EvacuationPlanTests
{
    private const double MiB = 1 << 20;
    private const double Step = 0.1;

    private static readonly Gen<SimWorld> Worlds =
        from link in Gen.Double[20, 200]
        from stream in Gen.Double[0.2, 3]
        from targets in Gen.Int[1, 4]
        from guests in Gen.Select(Gen.Int[64, 1024], Gen.Double[0, 0.3], Gen.Double[0, 4]).List[1, 20]
        select new SimWorld(
            link * MiB,
            stream * link * MiB,
            [.. guests.Select((guest, index) => new Departure($"vm{index}", "a", $"t{(int)guest.Item3 % targets}", (long)(guest.Item1 * MiB), guest.Item2 * link * MiB * 0.2))]);

    [Fact]
    public void AnEmptyHostNeedsNothing() => Assert.Empty(EvacuationPlan.Next([], [], new EvacuationLinks()));

    [Fact]
    public void HostsThatShareNoLinkDoNotWaitForEachOther()
    {
        Departure[] waiting = [Guest("v1", "a", "b"), Guest("v2", "c", "d"), Guest("v3", "a", "d")];
        Assert.Equal(["v1", "v2"], EvacuationPlan.Next(waiting, [], new EvacuationLinks()).Select(departure => departure.Vm));
    }

    [Fact]
    public void TheNextIsMadeReadyWhileTheLastSwitches()
    {
        var ending = new Passage("v1", "a", "b", 100 * MiB, (long)(50 * MiB), IsSettled: false);
        var sending = ending with { Vm = "v3", RemainingBytes = (long)(500 * MiB) };
        Assert.Single(EvacuationPlan.Next([Guest("v2", "a", "b")], [ending, sending], new EvacuationLinks()));
        Assert.Empty(EvacuationPlan.Next([Guest("v2", "a", "b")], [ending with { RemainingBytes = (long)(500 * MiB) }, sending], new EvacuationLinks()));
    }

    [Fact]
    public void TheNextIsMadeReadyWhileOneSendsAndOnlyOneAtATime()
    {
        var sending = new Passage("v1", "a", "b", 25 * MiB, (long)(100 * MiB), IsSettled: false);
        Departure[] waiting = [Guest("v2", "a", "b"), Guest("v3", "a", "b")];
        Assert.Single(EvacuationPlan.Next(waiting, [sending], new EvacuationLinks()));
        Assert.Empty(EvacuationPlan.Next(waiting, [sending with { BytesPerSecond = 0 }], new EvacuationLinks()));
        // Guests that are sent in less time than they take to be made ready: several are made ready at once.
        var fast = new EvacuationLinks().Observe([new Passage("v0", "a", "b", 1024 * MiB, 0, IsSettled: true)]);
        Assert.Equal(2, EvacuationPlan.Next(waiting, [sending], fast).Count);
    }

    [Fact]
    public void AGuestThatWritesMuchHasTheLinkToItself()
    {
        var links = new EvacuationLinks().Observe([new Passage("v0", "a", "b", 25 * MiB, 0, IsSettled: true)]).Observe([new Passage("v0", "a", "b", 25 * MiB, 0, IsSettled: true), new Passage("v1", "a", "b", 1, 0, IsSettled: true)]);
        var sending = new Passage("v1", "a", "b", 25 * MiB, (long)(100 * MiB), IsSettled: false);
        Assert.Single(EvacuationPlan.Next([Guest("v2", "a", "b")], [sending], links));
        Assert.Empty(EvacuationPlan.Next([Guest("v2", "a", "b") with { DirtyBytesPerSecond = 10 * MiB }], [sending], links));
    }

    [Fact]
    public void OneMoreStreamIsTriedAndKeptOnlyWhenItBringsMore()
    {
        var link = LinkExperience.None;
        Assert.Equal(1, link.Streams);
        link = link.With(1, 100);
        Assert.Equal(2, link.Streams);
        Assert.Equal(1, link.With(2, 104).Streams);
        Assert.Equal(3, link.With(2, 190).Streams);
        Assert.Equal(2, link.With(2, 190).With(3, 200).Streams);
        // What was learned is unlearned when the link changes.
        var slow = link.With(2, 104);
        for (int look = 0; look < 10; look++) slow = slow.With(2, 200);
        Assert.Equal(3, slow.Streams);
    }

    [Fact]
    public void EverybodyLeavesAndNoRivalIsMuchFaster() => Worlds.Sample(
        world =>
        {
            double planned = new Simulation(world).Run(EvacuationPlan.Next);
            foreach (int fixedStreams in new[] { 1, 2, 8 })
            {
                double rival = new Simulation(world).Run((waiting, underWay, _) => [.. waiting.Take(Math.Max(0, fixedStreams - underWay.Count))]);
                // Finding out costs something once; on evacuations of seconds that is all there is.
                Assert.True(planned <= (rival * 1.10) + 8, $"{planned:0.0} s, and with {fixedStreams} at once {rival:0.0} s");
            }
        },
        iter: 200);

    [Fact]
    public void AFullLinkIsBusyToTheEnd()
    {
        var world = new SimWorld(25 * MiB, 75 * MiB, [.. Enumerable.Range(0, 16).Select(index => new Departure($"vm{index:D2}", "a", $"t{index % 3}", (long)(256 * MiB), 0.2 * MiB))]);
        double least = 16 * 256 / 25.0;
        double planned = new Simulation(world).Run(EvacuationPlan.Next);
        Assert.True(planned <= least * 1.15, $"{planned:0.0} s of at least {least:0.0} s");
    }

    [Fact]
    public void StreamsThatCannotFillTheLinkRunTogether()
    {
        var world = new SimWorld(200 * MiB, 50 * MiB, [.. Enumerable.Range(0, 16).Select(index => new Departure($"vm{index:D2}", "a", $"t{index % 4}", (long)(512 * MiB), 0))]);
        double alone = new Simulation(world).Run((waiting, underWay, _) => [.. waiting.Take(1 - underWay.Count)]);
        Assert.True(new Simulation(world).Run(EvacuationPlan.Next) * 1.5 <= alone);
    }

    [Fact]
    public void TheForecastIsTheBusiestLinksTime()
    {
        Departure[] waiting = [Guest("v1", "a", "b"), Guest("v2", "a", "c")];
        Assert.Null(EvacuationPlan.Forecast(waiting, [], new EvacuationLinks()));
        var links = new EvacuationLinks().Observe([new Passage("v0", "a", "b", 64 * MiB, 0, IsSettled: true)]);
        Assert.Equal(TimeSpan.FromSeconds(8), EvacuationPlan.Forecast(waiting, [], links));
        Assert.Equal(TimeSpan.Zero, EvacuationPlan.Forecast([], [], links));
    }

    private static Departure Guest(string vm, string from, string to) => new(vm, from, to, (long)(256 * MiB), 0);

    internal sealed record SimWorld(double LinkBytesPerSecond, double StreamBytesPerSecond, IReadOnlyList<Departure> Guests);

    /// <summary>A stream is made ready for a second, then sends with its share of the links, then switches in a fifth of a second.</summary>
    private sealed class Simulation(SimWorld world)
    {
        private const double Preparation = 0.8;
        private const double Switch = 0.2;
        private const double Patience = 7200;

        private readonly List<Stream> _streams = [];
        private EvacuationLinks _links = new();

        /// <returns>Seconds until all have gone.</returns>
        public double Run(Func<IReadOnlyList<Departure>, IReadOnlyList<Passage>, EvacuationLinks, IReadOnlyList<Departure>> next)
        {
            var waiting = world.Guests.ToList();
            for (double now = 0; now < Patience; now += Step)
            {
                if (waiting.Count == 0 && _streams.Count == 0) return now;
                Passage[] underWay = [.. _streams.Select(stream => stream.Seen)];
                _links = _links.Observe(underWay);
                foreach (var departure in next(waiting, underWay, _links))
                {
                    waiting.Remove(departure);
                    _streams.Add(new Stream(departure));
                }

                var sending = _streams.Where(stream => stream.Sends).ToList();
                foreach (var stream in _streams) stream.Advance(RateOf(stream, sending));
                _streams.RemoveAll(stream => stream.IsOver);
            }

            throw new TimeoutException("It never ends.");
        }

        private double RateOf(Stream stream, List<Stream> sending)
        {
            int fromShare = Math.Max(1, sending.Count(other => other.Guest.From == stream.Guest.From));
            int toShare = Math.Max(1, sending.Count(other => other.Guest.To == stream.Guest.To));
            return Math.Min(world.StreamBytesPerSecond, world.LinkBytesPerSecond / Math.Max(fromShare, toShare));
        }

        private sealed class Stream(Departure guest)
        {
            private double _remaining = guest.Bytes;
            private double _age;
            private double _rate;
            private double _switched = -1;

            public Departure Guest => guest;

            public bool Sends => _age >= Preparation && _switched < 0;

            public bool IsOver => _switched >= Switch;

            public Passage Seen => new(guest.Vm, guest.From, guest.To, Sends ? _rate : 0, (long)_remaining, Sends && _age > Preparation + 2);

            public void Advance(double rate)
            {
                _age += Step;
                if (_switched >= 0)
                {
                    _switched += Step;
                    return;
                }

                if (_age < Preparation) return;
                _rate = rate;
                // What is written while it is sent is sent again; a guest that writes too fast is slowed down.
                _remaining -= (rate - Math.Min(guest.DirtyBytesPerSecond, rate * 0.75)) * Step;
                if (_remaining <= 0) _switched = 0;
            }
        }
    }
}
