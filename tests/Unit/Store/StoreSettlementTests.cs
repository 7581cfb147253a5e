using Lamina.Server.Store;
using Lamina.Testing.Store;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Store;

public sealed class StoreSettlementTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [InlineData(false, true)]
    [InlineData(true, true, false)]
    public async Task A_lost_answer_is_settled_by_sending_the_transaction_again(params bool[] carriedOut)
    {
        await using var test = TestStore.Create();
        var store = new UncertainStore(test.Store);
        long revision = await store.PutAsync("run", "1");
        store.Lose(carriedOut);
        var start = new StoreTransaction { Compares = [new StoreCompare.ModRevision("run", revision)], Writes = [Put("run", "2")] };

        var result = await store.CommitSettledAsync(start, Patience, TimeProvider.System);

        Assert.True(result.Succeeded);
        Assert.Equal(revision + 1, result.Revision);
        Assert.Equal(revision + 1, test.Store.Revision);
    }

    [Fact]
    public async Task A_lost_attempt_that_lost_to_another_is_known_to_be_refused()
    {
        await using var test = TestStore.Create();
        var store = new UncertainStore(test.Store);
        long revision = await store.PutAsync("run", "1");
        await store.PutAsync("run", "somebody else's");
        store.Lose(true);

        var result = await store.CommitSettledAsync(
            new StoreTransaction { Compares = [new StoreCompare.ModRevision("run", revision)], Writes = [Put("run", "2")] },
            Patience,
            TimeProvider.System);

        Assert.False(result.Succeeded);
    }

    [Fact]
    public async Task When_patience_ends_the_outcome_stays_unknown()
    {
        await using var test = TestStore.Create();
        var store = new UncertainStore(test.Store);
        store.Lose(true, true, true);
        var transaction = new StoreTransaction { Writes = [Put("a", "1")] };

        var unknown = await Assert.ThrowsAsync<StoreOutcomeUnknownException>(
            async () => await store.CommitSettledAsync(transaction, TimeSpan.Zero, TimeProvider.System));

        Assert.Same(transaction, unknown.Transaction);
        Assert.Equal(2, store.Attempts);
    }

    [Fact]
    public async Task Who_is_cancelled_while_settling_is_told_that_it_is_unknown()
    {
        await using var test = TestStore.Create();
        var store = new UncertainStore(test.Store);
        store.Lose([.. Enumerable.Repeat(false, 100)]);
        using var cancel = new CancellationTokenSource();
        var settling = store.CommitSettledAsync(new StoreTransaction { Writes = [Put("a", "1")] }, Patience, TimeProvider.System, cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAsync<StoreOutcomeUnknownException>(async () => await settling);
    }
}
