using System.Threading.Channels;
using Lamina.Server.Control;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Control;

public sealed class ThrottledStatusTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<string> _written = Channel.CreateUnbounded<string>();
    private readonly ThrottledStatus<Sample> _status;
    private int _failures;

    public ThrottledStatusTests() => _status = new ThrottledStatus<Sample>(Compare, WriteAsync, _time, NullLogger.Instance);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _status.DisposeAsync();

    [Fact]
    public async Task A_change_of_meaning_is_written_at_once_also_right_after_another()
    {
        _status.Offer(new Sample("running", 1));
        Assert.Equal("running 1", await NextAsync());
        _status.Offer(new Sample("paused", 1));
        Assert.Equal("paused 1", await NextAsync());
    }

    [Fact]
    public async Task Figures_wait_until_two_seconds_have_passed_and_only_the_newest_is_written()
    {
        _status.Offer(new Sample("running", 1));
        await NextAsync();
        var begin = _time.GetUtcNow();
        _status.Offer(new Sample("running", 2));
        _status.Offer(new Sample("running", 3));

        Assert.Equal("running 3", await NextWithTimeAsync());
        Assert.True(_time.GetUtcNow() - begin >= ThrottledStatus<Sample>.Interval);
    }

    [Fact]
    public async Task A_change_of_meaning_overtakes_waiting_figures()
    {
        _status.Offer(new Sample("running", 1));
        await NextAsync();
        _status.Offer(new Sample("running", 2));
        _status.Offer(new Sample("stopped", 2));
        Assert.Equal("stopped 2", await NextAsync());
    }

    [Fact]
    public async Task A_write_that_fails_while_it_is_let_go_of_fails_nobody()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var outcome = new TaskCompletionSource();
        var status = new ThrottledStatus<Sample>(Compare, (_, _) => { begun.SetResult(); return outcome.Task; }, _time, NullLogger.Instance);
        status.Offer(new Sample("running", 1));
        await begun.Task;
        var lettingGo = status.DisposeAsync();
        outcome.SetException(new InvalidOperationException("The store is away."));
        await lettingGo;
    }

    [Fact]
    public async Task What_has_not_changed_is_not_written()
    {
        _status.Offer(new Sample("running", 1));
        await NextAsync();
        _status.Offer(new Sample("running", 1));
        _time.Advance(TimeSpan.FromHours(1));
        _status.Offer(new Sample("stopped", 1));
        Assert.Equal("stopped 1", await NextAsync());
    }

    [Fact]
    public async Task A_write_that_failed_is_made_again_with_the_newest_record()
    {
        _failures = 2;
        _status.Offer(new Sample("running", 1));
        _status.Offer(new Sample("stopped", 2));
        Assert.Equal("stopped 2", await NextWithTimeAsync());
    }

    private async Task<string> NextAsync() => await _written.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

    private async Task<string> NextWithTimeAsync()
    {
        while (!_written.Reader.TryPeek(out _))
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }

        return await NextAsync();
    }

    private Task WriteAsync(Sample sample, CancellationToken cancellationToken)
    {
        if (_failures-- > 0) throw new IOException("The store is away.");
        _written.Writer.TryWrite($"{sample.State} {sample.Figure}");
        return Task.CompletedTask;
    }

    private static StatusDifference Compare(Sample? before, Sample now)
    {
        if (before is null || before.State != now.State) return StatusDifference.Meaning;
        return before.Figure == now.Figure ? StatusDifference.None : StatusDifference.Figures;
    }

    private sealed record Sample(string State, int Figure);
}
