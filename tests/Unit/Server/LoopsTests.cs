using Lamina.Server;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Unit.Server;

public class LoopsTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ALoopThatFailsEndsTheDaemonWithItsName()
    {
        var loops = new Loops(TimeProvider.System, NullLogger<Loops>.Instance);
        loops.Add("good", token => Task.Delay(Timeout.Infinite, token));
        loops.Add("bad", _ => throw new InvalidOperationException("broken"));
        loops.Start();
        var failure = await Assert.ThrowsAsync<ProblemException>(() => loops.Ended.WaitAsync(Deadline));
        Assert.Equal("daemon.loopFailed", failure.Code);
        Assert.Contains("'bad'", failure.Message, StringComparison.Ordinal);
        await loops.StopAsync();
    }

    [Fact]
    public async Task ALoopThatEndsByItselfIsAFailure()
    {
        var loops = new Loops(TimeProvider.System, NullLogger<Loops>.Instance);
        loops.Add("short", _ => Task.CompletedTask);
        loops.Start();
        await Assert.ThrowsAsync<ProblemException>(() => loops.Ended.WaitAsync(Deadline));
        await loops.StopAsync();
    }

    [Fact]
    public async Task StoppingEndsThemAll()
    {
        var loops = new Loops(TimeProvider.System, NullLogger<Loops>.Instance);
        bool cleaned = false;
        loops.Add("good", async token =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                cleaned = true;
            }
        });
        loops.Start();
        await loops.StopAsync();
        await loops.Ended.WaitAsync(Deadline);
        Assert.True(cleaned);
    }
}
