using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Testing;
using Lamina.Testing.Store;
using Xunit;

namespace Lamina.Tests.Unit.Hosts;

/// <summary>Which daemon may be a host, in the test's time.</summary>
public sealed class HostPresenceTests : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Renewal = HostPresence.TimeToLive / 3;

    private readonly WatchedTime _time = new();
    private readonly TestStore _test;
    private readonly CancellationTokenSource _deadline = new(Deadline);

    public HostPresenceTests() => _test = TestStore.Create(_time);

    public async ValueTask DisposeAsync()
    {
        _deadline.Dispose();
        await _test.DisposeAsync();
    }

    [Fact]
    public async Task A_host_is_live_while_its_daemon_runs()
    {
        using var stop = new CancellationTokenSource();
        var presence = Presence("boot1");
        await presence.ClaimAsync(_deadline.Token);
        Assert.Equal("boot1:nonce", await LiveAsync());
        var running = presence.RunAsync(stop.Token);
        for (int renewal = 0; renewal < 8; renewal++)
        {
            await _time.WaitedForAsync(_deadline.Token, Renewal);
            _time.Advance(Renewal);
        }

        await _time.WaitedForAsync(_deadline.Token, Renewal);
        Assert.Equal("boot1:nonce", await LiveAsync());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Null(await LiveAsync());
    }

    [Fact]
    public async Task A_second_live_host_with_the_same_id_is_refused()
    {
        using var stop = new CancellationTokenSource();
        var first = Presence("boot1");
        await first.ClaimAsync(_deadline.Token);
        var running = first.RunAsync(stop.Token);

        var second = Presence("boot2").ClaimAsync(_deadline.Token);
        while (!second.IsCompleted)
        {
            await _time.WaitedForAsync(_deadline.Token, Renewal);
            _time.Advance(Renewal);
        }

        Assert.Equal("host.alreadyLive", (await Assert.ThrowsAsync<ProblemException>(() => second)).Code);
        Assert.Equal("boot1:nonce", await LiveAsync());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task What_an_earlier_boot_left_ends_by_itself()
    {
        await Presence("boot1").ClaimAsync(_deadline.Token);
        var rebooted = Presence("boot2").ClaimAsync(_deadline.Token);
        for (int seconds = 0; seconds < HostPresence.TimeToLive.TotalSeconds; seconds++)
        {
            await _time.WaitedForAsync(_deadline.Token, Second);
            _time.Advance(Second);
        }

        // The lease's keys go in a transaction of its own, which the last look may just have missed.
        while (await LiveAsync() == "boot1:nonce") await Task.Yield();
        await _time.AdvanceUntilAsync(rebooted, _deadline.Token, Second);
        Assert.Equal("boot2:nonce", await LiveAsync());
    }

    [Fact]
    public async Task A_daemon_started_anew_in_the_same_boot_goes_on_at_once()
    {
        await Presence("boot1").ClaimAsync(_deadline.Token);
        await Presence("boot1").ClaimAsync(_deadline.Token);
        Assert.Equal("boot1:nonce", await LiveAsync());
    }

    [Fact]
    public async Task On_a_store_of_its_own_nobody_else_can_be_this_host()
    {
        await Presence("boot1", isShared: false).ClaimAsync(_deadline.Token);
        await Presence("boot2", isShared: false).ClaimAsync(_deadline.Token);
        Assert.Equal("boot2:nonce", await LiveAsync());
    }

    [Fact]
    public async Task A_host_that_was_silent_for_too_long_says_again_that_it_lives()
    {
        using var stop = new CancellationTokenSource();
        var store = new AwayStore(_test.Store);
        var presence = new HostPresence(store, Identity("boot1"), isShared: true, _time);
        await presence.ClaimAsync(_deadline.Token);
        var running = presence.RunAsync(stop.Token);
        store.IsAway = true;
        await _time.AdvanceUntilAsync(UntilAsync(live => live is null), _deadline.Token, Renewal);
        store.IsAway = false;
        _time.Advance(Renewal);
        await _time.AdvanceUntilAsync(UntilAsync(live => live is not null), _deadline.Token, Renewal, Second);

        Assert.Equal("boot1:nonce", await LiveAsync());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private async Task UntilAsync(Func<string?, bool> wanted)
    {
        while (!wanted(await LiveAsync()))
        {
            _deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private HostPresence Presence(string bootId, bool isShared = true) => new(_test.Store, Identity(bootId), isShared, _time);

    private static HostIdentity Identity(string bootId) => new() { Id = "host-1", Nonce = "nonce", BootId = bootId };

    private async Task<string?> LiveAsync() =>
        await _test.Store.GetAsync(Keys.Hosts.Live["host-1"]) is { } item ? RecordJson.Read(item, Keys.Hosts.Live).Incarnation : null;
}
