using Lamina.Server.Control;
using Xunit;

namespace Lamina.Tests.Unit.Control;

public sealed class WorkQueueTests
{
    [Fact]
    public async Task A_key_asked_for_many_times_is_given_once_and_keys_come_in_order()
    {
        using var queue = new WorkQueue();
        foreach (string key in (string[])["a", "b", "a", "c", "b"]) queue.Add(key);
        Assert.Equal(["a", "b", "c"], [await TakeAsync(queue), await TakeAsync(queue), await TakeAsync(queue)]);
        Assert.False(queue.TakeAsync(CancellationToken.None).IsCompleted);
    }

    [Fact]
    public async Task A_key_being_worked_on_is_given_again_only_after_it_is_done()
    {
        using var queue = new WorkQueue();
        queue.Add("a");
        await TakeAsync(queue);
        queue.Add("a");
        queue.Add("a");
        var next = queue.TakeAsync(CancellationToken.None);
        Assert.False(next.IsCompleted);
        queue.Done("a");
        Assert.Equal("a", await next);
        queue.Done("a");
        Assert.False(queue.TakeAsync(CancellationToken.None).IsCompleted);
    }

    private static async Task<string> TakeAsync(WorkQueue queue)
    {
        var taking = queue.TakeAsync(CancellationToken.None);
        Assert.True(taking.IsCompleted);
        return await taking;
    }
}
