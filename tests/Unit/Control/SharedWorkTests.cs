using Lamina.Server.Control;
using Xunit;

namespace Lamina.Tests.Unit.Control;

public class SharedWorkTests
{
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public async Task WhoAsksMeanwhileWaitsAndWhoAsksLaterBeginsAnewUnlessResultsAreKept(bool keeps, int expected)
    {
        var shared = new SharedWork<int>(keeps);
        var end = new TaskCompletionSource();
        int begun = 0;
        async Task<int> Work()
        {
            int number = Interlocked.Increment(ref begun);
            await end.Task;
            return number;
        }

        Task<int>[] all = [shared.RunAsync("a", Work), shared.RunAsync("a", Work), shared.RunAsync("a", Work)];
        end.SetResult();
        Assert.All(await Task.WhenAll(all), number => Assert.Equal(1, number));
        Assert.Equal(expected, await shared.RunAsync("a", Work));
    }

    [Fact]
    public async Task WhatFailedIsTriedAgain()
    {
        var shared = new SharedWork<int>(keepsResults: true);
        await Assert.ThrowsAsync<IOException>(() => shared.RunAsync("a", () => throw new IOException("away")));
        Assert.Equal(7, await shared.RunAsync("a", () => Task.FromResult(7)));
    }
}
