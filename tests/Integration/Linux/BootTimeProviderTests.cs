using System.Globalization;
using Lamina.Linux;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public class BootTimeProviderTests
{
    private static readonly TimeProvider Clock = BootTimeProvider.Shared;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void It_counts_from_boot()
    {
        var before = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.InRange(Clock.GetTimestamp() / 1e9, before - 0.02, before + Patience.TotalSeconds);
        Assert.Matches("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", HostClock.ReadBootId());
    }

    [Fact]
    public async Task Delays_end_in_their_order_and_not_early()
    {
        var start = Clock.GetTimestamp();
        var order = new List<int>();
        async Task WaitAsync(int milliseconds)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), Clock, Cancellation);
            Assert.True(Clock.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(milliseconds));
            lock (order) order.Add(milliseconds);
        }

        await Task.WhenAll(WaitAsync(400), WaitAsync(1), WaitAsync(200));
        Assert.Equal([1, 200, 400], order);
    }

    [Fact]
    public async Task A_period_fires_until_it_is_disposed()
    {
        using var third = new SemaphoreSlim(0);
        var count = 0;
        var timer = Clock.CreateTimer(_ => { if (Interlocked.Increment(ref count) == 3) third.Release(); }, null, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
        Assert.True(await third.WaitAsync(Patience, Cancellation));
        await timer.DisposeAsync();
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
    }

    [Fact]
    public async Task A_disarmed_timer_stays_silent_and_can_be_armed_again()
    {
        using var fired = new SemaphoreSlim(0);
        using var timer = Clock.CreateTimer(_ => fired.Release(), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await Task.Delay(TimeSpan.FromSeconds(1.1), Clock, Cancellation); // due later in the same queue, so the first was passed over
        Assert.Equal(0, fired.CurrentCount);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        Assert.True(await fired.WaitAsync(Patience, Cancellation));
    }

    [Fact]
    public async Task Many_timers_all_fire()
    {
        await Task.WhenAll(Enumerable.Range(0, 2000).Select(i => Task.Delay(TimeSpan.FromMilliseconds(i % 50), Clock, Cancellation)));
    }

    [Fact]
    public async Task The_context_of_the_maker_flows_into_the_callback()
    {
        var local = new AsyncLocal<int> { Value = 7 };
        var seen = new TaskCompletionSource<int>();
        using var timer = Clock.CreateTimer(_ => seen.SetResult(local.Value), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        Assert.Equal(7, await seen.Task.WaitAsync(Patience, Cancellation));
    }
}
