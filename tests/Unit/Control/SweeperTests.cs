using Lamina.Server.Control;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Control;

public sealed class SweeperTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task All_sweeps_run_in_order_and_one_that_fails_does_not_stop_the_others()
    {
        using var sweeper = new Sweeper(_time, NullLogger<Sweeper>.Instance);
        var order = new List<string>();
        sweeper.Register("links", _ => Note("links", new SweepReport { Removed = ["link lmabc"] }));
        sweeper.Register("broken", _ => throw new IOException("no such table"));
        sweeper.Register("cgroups", _ => Note("cgroups", new SweepReport { Orphans = ["cgroup 7"] }));

        await sweeper.SweepAsync(CancellationToken.None);

        Assert.Equal(["links", "cgroups"], order);
        Assert.Equal(["link lmabc"], sweeper.LastReports["links"].Removed);
        Assert.Equal(["cgroup 7"], sweeper.LastReports["cgroups"].Orphans);

        Task<SweepReport> Note(string name, SweepReport report)
        {
            order.Add(name);
            return Task.FromResult(report);
        }
    }

    [Fact]
    public async Task It_sweeps_at_start_and_then_hourly()
    {
        using var sweeper = new Sweeper(_time, NullLogger<Sweeper>.Instance);
        using var swept = new SemaphoreSlim(0);
        using var stop = new CancellationTokenSource();
        sweeper.Register("test", _ =>
        {
            swept.Release();
            return Task.FromResult(SweepReport.Nothing);
        });

        var running = sweeper.RunAsync(stop.Token);
        Assert.True(await swept.WaitAsync(Deadline));
        _time.Advance(Sweeper.Interval - TimeSpan.FromSeconds(1));
        Assert.Equal(0, swept.CurrentCount);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await swept.WaitAsync(Deadline));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }
}
