using System.Threading.Channels;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Hosts;

/// <summary>The leader's look at the clocks of three hosts.</summary>
public sealed class ClockKeeperTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly Dictionary<string, TimeSpan?> _ahead = new() { ["two"] = TimeSpan.Zero, ["three"] = TimeSpan.Zero };
    private readonly Channel<string> _asked = Channel.CreateUnbounded<string>();
    private TimeSpan _slow;
    private TestStore _test = null!;
    private Cache _cache = null!;
    private ClockKeeper _keeper = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _test = TestStore.Create(_time);
        var generation = await StoreGeneration.EnsureAsync(_test.Store, _time);
        var begun = await new StoreChange("test").Create(Keys.Leader, "", new LeaderRecord { Host = "one", Incarnation = "i" }).CommitAsync(_test.Store, _time);
        var hosts = new StoreChange("test");
        foreach (string id in (string[])["one", "two", "three"])
            hosts.Put(Keys.Hosts.Spec, id, new HostSpec { Name = id }).Put(Keys.Hosts.Live, id, new HostLive { Incarnation = "i", Since = DateTimeOffset.UnixEpoch });
        await hosts.CommitAsync(_test.Store, _time);
        _cache = new Cache(_test.Store, Keys.Cached, _time, NullLogger<Cache>.Instance);
        await _cache.StartAsync();
        _keeper = new ClockKeeper(_test.Store, _cache, new EventLog(_time, "one"), "one", AskAsync, _time, new Term(begun.Revision, generation));
    }

    public async ValueTask DisposeAsync()
    {
        await _cache.DisposeAsync();
        await _test.DisposeAsync();
    }

    [Fact]
    public async Task AsLongAsAllAreRightNothingIsWritten()
    {
        long before = await LookAsync();
        Assert.Equal(before + 1, await LookAsync());
        Assert.Empty(await EventsAsync());
    }

    [Fact]
    public async Task AClockThatGoesWrongIsOnRecordUntilItIsRightAgain()
    {
        _ahead["three"] = TimeSpan.FromHours(3);
        await LookAsync();
        Assert.Equal(3 * 3600 * 1000, Assert.Single(_cache.Snapshot.All(Keys.Hosts.Clock), clock => clock.Id == "three").Record.AheadMs);
        await LookAsync();
        Assert.Equal(["host.clockOff"], await EventsAsync());

        // What does not answer is left as it is known.
        _ahead["three"] = null;
        await LookAsync();
        Assert.Single(_cache.Snapshot.All(Keys.Hosts.Clock));
        _ahead["three"] = TimeSpan.FromSeconds(-1);
        await LookAsync();
        Assert.Empty(_cache.Snapshot.All(Keys.Hosts.Clock));
        Assert.Equal(["host.clockOff", "host.clockRight"], await EventsAsync());
    }

    [Fact]
    public async Task TheLeadersOwnIsFoundByTheOthersAndStaysSoWhenOneOfThemIsSilent()
    {
        _ahead["two"] = _ahead["three"] = TimeSpan.FromMinutes(-10);
        await LookAsync();
        Assert.Equal(("one", 600_000), Only());
        _ahead["two"] = null;
        await LookAsync();
        Assert.Equal(("one", 600_000), Only());
        _ahead["three"] = null;
        await LookAsync();
        Assert.Equal(("one", 600_000), Only());
    }

    /// <summary>A slow line is no wrong clock.</summary>
    [Fact]
    public async Task HowLongTheAnswerTookIsInDoubt()
    {
        _ahead["two"] = TimeSpan.FromSeconds(3);
        _slow = TimeSpan.FromSeconds(4);
        await LookAsync();
        Assert.Empty(_cache.Snapshot.All(Keys.Hosts.Clock));
    }

    [Fact]
    public async Task ManyAreAskedFewAtATime()
    {
        var many = new StoreChange("test");
        foreach (string id in Enumerable.Range(0, 2 * ClockKeeper.AtOnce).Select(number => $"many{number}"))
        {
            _ahead[id] = TimeSpan.Zero;
            many.Put(Keys.Hosts.Spec, id, new HostSpec { Name = id }).Put(Keys.Hosts.Live, id, new HostLive { Incarnation = "i", Since = DateTimeOffset.UnixEpoch });
        }

        var written = await many.CommitAsync(_test.Store, _time);
        Assert.True(await _cache.WaitForRevisionAsync(written.Revision, Patience));
        var asked = new HashSet<string>();
        var look = _keeper.LookAsync(Cancellation);
        foreach (int expected in (int[])[ClockKeeper.AtOnce, 2 * ClockKeeper.AtOnce, 2 * ClockKeeper.AtOnce + 2])
        {
            while (asked.Count < expected) asked.Add(await _asked.Reader.ReadAsync(Cancellation));
            while (_asked.Reader.TryRead(out string? more)) asked.Add(more);
            Assert.Equal(expected, asked.Count);
            _time.Advance(ClockKeeper.Pause);
        }

        await look;
    }

    private (string Host, long AheadMs) Only()
    {
        var clock = Assert.Single(_cache.Snapshot.All(Keys.Hosts.Clock));
        return (clock.Id, clock.Record.AheadMs);
    }

    private Task<DateTimeOffset> AskAsync(string host, CancellationToken cancellationToken)
    {
        _asked.Writer.TryWrite(host);
        if (_ahead[host] is not { } ahead) throw new HttpRequestException("silent");
        _time.Advance(_slow / 2);
        var said = _time.GetUtcNow() + ahead;
        _time.Advance(_slow / 2);
        return Task.FromResult(said);
    }

    /// <returns>The revision after it, of a mark by which the cache is seen to have all.</returns>
    private async Task<long> LookAsync()
    {
        await _keeper.LookAsync(Cancellation);
        var mark = await new StoreChange("test.mark").Put(Keys.Names, "mark", new Claim { Owner = "test" }).CommitAsync(_test.Store, _time);
        Assert.True(await _cache.WaitForRevisionAsync(mark.Revision, Patience));
        return mark.Revision;
    }

    private async Task<List<string>> EventsAsync()
    {
        var found = new List<string>();
        await foreach (var page in _test.Store.ListAsync([Keys.Events.Prefix])) found.AddRange(page.Items.Select(item => RecordJson.Read(item, Keys.Events).Kind));
        return found;
    }
}
