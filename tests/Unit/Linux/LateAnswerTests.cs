using Lamina.Linux.Host;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public sealed class LateAnswerTests
{
    [Fact]
    public void An_answer_that_comes_late_is_had_by_whoever_asks_then_and_nothing_is_asked_twice_meanwhile()
    {
        using var gate = new ManualResetEventSlim();
        int asked = 0;
        var late = new LateAnswer<string>("test", () =>
        {
            Interlocked.Increment(ref asked);
            gate.Wait(TestContext.Current.CancellationToken);
            return "here";
        });

        Assert.Null(late.Ask(TimeSpan.Zero));
        Assert.Null(late.Ask(TimeSpan.FromMinutes(1)));
        gate.Set();
        Assert.True(SpinWait.SpinUntil(() => late.Ask(TimeSpan.FromMinutes(1)) == "here", TimeSpan.FromSeconds(30)));
        Assert.Equal(1, asked);
    }

    [Fact]
    public void What_has_been_answered_is_asked_anew()
    {
        int asked = 0;
        var late = new LateAnswer<object>("test", () => ++asked);
        Assert.Equal(1, late.Ask(TimeSpan.FromMinutes(1)));
        Assert.Equal(2, late.Ask(TimeSpan.FromMinutes(1)));
    }
}
