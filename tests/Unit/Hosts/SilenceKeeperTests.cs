using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Testing;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Tests.Unit.Hosts;

/// <summary>Since when a host is missed, in the test's time.</summary>
public sealed class SilenceKeeperTests : IAsyncLifetime
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly WatchedTime _inner = new();
    private readonly JumpingTime _time;
    private TestStore _test = null!;
    private Cache _cache = null!;
    private SilenceKeeper _keeper = null!;

    public SilenceKeeperTests() => _time = new JumpingTime(_inner);

    public async ValueTask InitializeAsync()
    {
        _test = TestStore.Create(_time);
        var generation = await StoreGeneration.EnsureAsync(_test.Store, _time);
        var begun = await new StoreChange("test").Create(Keys.Leader, "", new LeaderRecord { Host = "one", Incarnation = "i" }).CommitAsync(_test.Store, _time);
        _cache = new Cache(_test.Store, Keys.Cached, _time, NullLogger<Cache>.Instance);
        await _cache.StartAsync();
        _keeper = new SilenceKeeper(_test.Store, _cache, new EventLog(_time, "one"), _time, new Term(begun.Revision, generation));
    }

    public async ValueTask DisposeAsync()
    {
        await _cache.DisposeAsync();
        await _test.DisposeAsync();
    }

    [Fact]
    public async Task AHostThatIsAwayForASecondIsNotMissed()
    {
        await WriteAsync(change => change.Put(Keys.Hosts.Spec, "one", new HostSpec { Name = "one" }).Put(Keys.Hosts.Spec, "two", new HostSpec { Name = "two" }).Put(Keys.Hosts.Live, "one", Live()));
        await LookAsync(3);
        await WriteAsync(change => change.Put(Keys.Hosts.Live, "two", Live()));
        await LookAsync(3);
        Assert.Empty(_cache.Snapshot.All(Keys.Hosts.Silence));
    }

    [Fact]
    public async Task ASilentHostIsNotedFromWhenItWasMissedAndForgottenWhenItIsBack()
    {
        await WriteAsync(change => change.Put(Keys.Hosts.Spec, "one", new HostSpec { Name = "one" }).Put(Keys.Hosts.Spec, "two", new HostSpec { Name = "two" }).Put(Keys.Hosts.Live, "one", Live()));
        var missed = _time.GetUtcNow();
        await LookAsync(6);
        var silence = Assert.Single(_cache.Snapshot.All(Keys.Hosts.Silence));
        Assert.Equal(("two", missed), (silence.Id, silence.Record.Since));
        Assert.Equal(["host.silent"], await EventsAsync());

        await WriteAsync(change => change.Put(Keys.Hosts.Live, "two", Live()));
        await LookAsync(1);
        Assert.Empty(_cache.Snapshot.All(Keys.Hosts.Silence));
        Assert.Equal(["host.silent", "host.back"], await EventsAsync());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(-3)]
    public async Task AClockThatIsSetMakesNoHostMissedSoonerOrLater(int hours)
    {
        await WriteAsync(change => change.Put(Keys.Hosts.Spec, "one", new HostSpec { Name = "one" }).Put(Keys.Hosts.Spec, "two", new HostSpec { Name = "two" }).Put(Keys.Hosts.Live, "one", Live()));
        await LookAsync(1);
        _time.Ahead = TimeSpan.FromHours(hours);
        await LookAsync(3);
        Assert.Empty(await EventsAsync());
        await LookAsync(1);
        Assert.Equal(["host.silent"], await EventsAsync());
    }

    [Fact]
    public async Task AHostAloneMissesNobody()
    {
        await WriteAsync(change => change.Put(Keys.Hosts.Spec, "one", new HostSpec { Name = "one" }));
        await LookAsync(6);
        Assert.Empty(await EventsAsync());
    }

    private async Task LookAsync(int times)
    {
        for (int look = 0; look < times; look++)
        {
            await _keeper.LookAsync(TestContext.Current.CancellationToken);
            await SeeAsync();
            _inner.Advance(Look);
        }
    }

    private async Task WriteAsync(Action<StoreChange> records)
    {
        var change = new StoreChange("test");
        records(change);
        Assert.True((await change.CommitAsync(_test.Store, _time)).Succeeded);
        await SeeAsync();
    }

    /// <summary>The cache has all that was written so far.</summary>
    private async Task SeeAsync()
    {
        var mark = await new StoreChange("test.mark").Put(Keys.Names, "mark", new Claim { Owner = "test" }).CommitAsync(_test.Store, _time);
        await _cache.WaitForRevisionAsync(mark.Revision, Patience);
    }

    private async Task<List<string>> EventsAsync()
    {
        var found = new List<string>();
        await foreach (var page in _test.Store.ListAsync([Keys.Events.Prefix])) found.AddRange(page.Items.Select(item => RecordJson.Read(item, Keys.Events).Kind));
        return found;
    }

    private static HostLive Live() => new() { Incarnation = "i", Since = DateTimeOffset.UnixEpoch };
}
