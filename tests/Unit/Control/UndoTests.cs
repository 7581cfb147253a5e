using Lamina.Server.Control;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Unit.Control;

public sealed class UndoTests
{
    private readonly List<string> _done = [];

    [Fact]
    public async Task Without_success_the_steps_are_undone_last_first()
    {
        await using (var undo = Begin("a", "b", "c"))
        {
        }

        Assert.Equal(["c", "b", "a"], _done);
    }

    [Fact]
    public async Task After_success_nothing_is_undone()
    {
        await using (var undo = Begin("a", "b")) undo.Succeeded();
        Assert.Empty(_done);
    }

    [Fact]
    public async Task A_step_that_cannot_be_undone_neither_stops_the_others_nor_hides_the_failure_that_led_here()
    {
        Undo? kept = null;
        var failure = await Assert.ThrowsAsync<IOException>(async () =>
        {
            await using var undo = kept = Begin("a");
            undo.Add("broken", () => throw new InvalidOperationException("gone"));
            undo.Add("c", () => _done.Add("c"));
            throw new IOException("the step failed");
        });

        Assert.Equal("the step failed", failure.Message);
        Assert.Equal(["c", "a"], _done);
        Assert.Equal("gone", Assert.Single(kept!.Failures).Message);
    }

    private Undo Begin(params string[] steps)
    {
        var undo = new Undo(NullLogger.Instance);
        foreach (string step in steps) undo.Add(step, () => _done.Add(step));
        return undo;
    }
}
