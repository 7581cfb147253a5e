using CsCheck;
using Lamina.Server.Store;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Store;

/// <summary>Random transactions against <see cref="StoreModel"/>, for every <see cref="IStore"/>.</summary>
public abstract class StoreProperties
{
    private static readonly string[] KeyNames = ["a", "a/1", "a/2", "a/b/3", "b", "b/1", "하나", "c"];

    private static readonly Gen<string> Key = Gen.Int[0, KeyNames.Length - 1].Select(index => KeyNames[index]);

    /// <summary>Revisions soon after the beginning, so that some hit.</summary>
    private static readonly Gen<StoreCompare> Compare = Gen.OneOf(
        Key.Select(StoreCompare (key) => new StoreCompare.Exists(key)),
        Key.Select(StoreCompare (key) => new StoreCompare.Absent(key)),
        Gen.Select(Key, Gen.Long[1, 12], StoreCompare (key, revision) => new StoreCompare.ModRevision(key, revision)),
        Gen.Select(Key, Gen.Long[1, 12], StoreCompare (key, revision) => new StoreCompare.CreateRevision(key, revision)),
        Gen.Select(Key, Gen.Int[0, 3], StoreCompare (key, value) => new StoreCompare.Value(key, Json($"{value}"))));

    private static readonly Gen<StoreWrite> Write = Gen.Frequency(
        (6, Gen.Select(Key, Gen.Int[0, 3], StoreWrite (key, value) => Put(key, $"{value}"))),
        (2, Key.Select(StoreWrite (key) => new StoreWrite.Delete(key))),
        (1, Gen.Bool.Select(StoreWrite (inner) => new StoreWrite.DeletePrefix(inner ? "a/" : "b"))));

    private static readonly Gen<StoreTransaction> Transaction =
        Gen.Select(Compare.Array[0, 2], Write.Array[0, 4], Key.Array[0, 3], (compares, writes, elseKeys) => new StoreTransaction
        {
            Compares = compares,
            Writes = Legal(writes),
            ElseKeys = elseKeys,
        });

    [Fact]
    public Task A_store_answers_like_the_model_and_a_watch_replays_what_happened() =>
        Transaction.Array[1, 40].SampleAsync(CheckAsync, iter: 60, threads: 1);

    [Fact]
    public Task Transactions_of_many_at_once_are_as_if_one_came_after_the_other() =>
        Transaction.Array[2, 60].SampleAsync(CheckAtOnceAsync, iter: 40, threads: 1);

    private protected abstract ValueTask<IPropertyStore> CreateAsync();

    private async Task CheckAsync(StoreTransaction[] drafts)
    {
        await using var test = await CreateAsync();
        long start = await RevisionAsync(test);
        var transactions = drafts.Select(draft => After(start, draft)).ToArray();
        var model = new StoreModel(start);
        for (int index = 0; index < transactions.Length; index++)
        {
            var expected = model.Apply(transactions[index]);
            Assert.Equal(StoreAssert.Show(expected), StoreAssert.Show(await test.Store.CommitAsync(transactions[index])));
            if (index == transactions.Length / 2) await test.ReopenAsync();
        }

        StoreAssert.Same(model.Items.Values, await test.Store.AllAsync());
        if (model.Revision == start) return;
        StoreAssert.Same(model.History, await test.Store.WatchUntilAsync(start, model.Revision));
        await test.ReopenAsync();
        StoreAssert.Same(model.Items.Values, await test.Store.AllAsync());
        StoreAssert.Same(model.History, await test.Store.WatchUntilAsync(start, model.Revision));
    }

    private async Task CheckAtOnceAsync(StoreTransaction[] drafts)
    {
        await using var test = await CreateAsync();
        long start = await RevisionAsync(test);
        var transactions = drafts.Select(draft => After(start, draft)).ToArray();
        var results = await Task.WhenAll(transactions.Select(transaction => Task.Run(() => test.Store.CommitAsync(transaction).AsTask())));

        // Revisions give the order of the writes; a refusal or a write of nothing took place at the state that it names.
        long end = await RevisionAsync(test);
        var batches = end == start ? [] : (await test.Store.WatchUntilAsync(start, end)).ToDictionary(batch => batch.Revision);
        var model = new StoreModel(start);
        foreach (var group in transactions.Zip(results).GroupBy(pair => pair.Second.Revision).OrderBy(group => group.Key))
        {
            var pairs = group.ToArray();
            // Several may have had the effect seen: one of them did, and the others then found it done.
            var orders = batches.TryGetValue(group.Key, out var batch)
                ? pairs.Where(pair => StoreAssert.Show(batch) == Outcome(model, pair.First)).Select(writer => pairs.OrderBy(pair => pair != writer).ToArray())
                : [pairs];
            var order = orders.FirstOrDefault(candidate => Wrong(new StoreModel(model), candidate) is null) ?? pairs;
            Assert.Null(Wrong(model, order));
        }

        StoreAssert.Same(model.Items.Values, await test.Store.AllAsync());
    }

    /// <summary>The first whose result is not the model's; null: all are.</summary>
    private static string? Wrong(StoreModel model, IEnumerable<(StoreTransaction Transaction, StoreResult Result)> order) => order
        .Select(pair => (Got: StoreAssert.Show(pair.Result), Expected: StoreAssert.Show(model.Apply(pair.Transaction))))
        .Where(pair => pair.Got != pair.Expected)
        .Select(pair => $"{pair.Got} instead of {pair.Expected}")
        .FirstOrDefault();

    private static async Task<long> RevisionAsync(IPropertyStore test) => (await test.Store.ListAsync([""]).FirstAsync()).Revision;

    /// <summary>The drafts count revisions from 1 on; each run has a nonce of its own, since a draft is tried again when it is made smaller.</summary>
    private static StoreTransaction After(long start, StoreTransaction draft) => draft with
    {
        Nonce = Guid.NewGuid(),
        Compares =
        [
            .. draft.Compares.Select(compare => compare switch
            {
                StoreCompare.ModRevision mod => mod with { Revision = start - 1 + mod.Revision },
                StoreCompare.CreateRevision created => created with { Revision = start - 1 + created.Revision },
                _ => compare,
            }),
        ],
    };

    private static string Outcome(StoreModel before, StoreTransaction transaction)
    {
        var after = new StoreModel(before);
        after.Apply(transaction);
        return after.History.Count == 0 ? "" : StoreAssert.Show(after.History[^1]);
    }

    /// <summary>No key twice, as the limits demand.</summary>
    private static StoreWrite[] Legal(StoreWrite[] writes)
    {
        var legal = new List<StoreWrite>();
        foreach (var write in writes)
        {
            try
            {
                StoreLimits.Check(new StoreTransaction { Writes = [.. legal, write] });
                legal.Add(write);
            }
            catch (ArgumentException)
            {
                // Clashes with an earlier one.
            }
        }

        return [.. legal];
    }
}

/// <summary>A store of a sample's own.</summary>
internal interface IPropertyStore : IAsyncDisposable
{
    IStore Store { get; }

    /// <summary>Closes it and opens it again, as a restart of the daemon does.</summary>
    Task ReopenAsync();
}
