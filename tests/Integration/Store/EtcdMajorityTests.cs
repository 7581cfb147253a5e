using System.Globalization;
using System.Text;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Lamina.Testing.Store;
using Lamina.Tests.Unit.Store;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Integration.Store;

/// <summary>A store on three members of which one is lost to the others, or hangs: two go on, and the third one's past is never taken for the truth.</summary>
public sealed class EtcdMajorityTests
{
    private const string Counter = "counter";
    private const int Writes = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false, Traits = ["Length", "long"])]
    public Task AMemberThatIsCutOffFromTheOthers(bool leads) => LosesNothingAsync(leads, (trio, lost) => trio.CutAsync(lost), (trio, _) => trio.CutAsync(null));

    [Theory]
    [InlineData(true)]
    [InlineData(false, Traits = ["Length", "long"])]
    public Task AMemberThatHangsAndWakesUp(bool leads) => LosesNothingAsync(
        leads,
        (_, lost) =>
        {
            lost.Pause();
            return Task.CompletedTask;
        },
        (_, lost) =>
        {
            lost.Continue();
            return Task.CompletedTask;
        });

    private static async Task LosesNothingAsync(bool leads, Func<EtcdTrio, EtcdTrio.Member, Task> lose, Func<EtcdTrio, EtcdTrio.Member, Task> bring)
    {
        await using var trio = await EtcdTrio.StartAsync();
        var lost = await trio.FindAsync(leads);
        await using var store = await EtcdStore.OpenAsync(trio.AccessBy(lost), TimeProvider.System, Cancellation);
        await using var blind = await EtcdStore.OpenAsync(lost.Access, TimeProvider.System, Cancellation);
        long revision = await store.PutAsync(Counter, "0");
        using var deadline = new CancellationTokenSource(Patience);
        var seen = WatchAsync(store, revision, deadline.Token);
        Assert.Equal("0", await ReadAsync(blind));

        await lose(trio, lost);
        for (int number = 1; number <= Writes; number++) revision = await CountAsync(store, revision, number);
        Assert.Equal($"{Writes}", await ReadAsync(store));
        Assert.Equal(Enumerable.Range(1, Writes).Select(number => $"{number}"), await seen);

        // By the lost member alone there is no truth to be had: it says so, and gives nothing old.
        await Assert.ThrowsAsync<StoreUnavailableException>(() => ReadAsync(blind));
        var asked = Enumerable.Range(0, 20).Select(_ => Record.ExceptionAsync(async () => Assert.Equal($"{Writes}", await ReadAsync(blind))).AsTask()).ToArray();
        await bring(trio, lost);

        // What was asked while it hung, or is asked as it comes back, is answered by what is so now, or not at all.
        Assert.All(await Task.WhenAll(asked), failure => Assert.True(failure is null or StoreUnavailableException, failure?.ToString()));
        Assert.Equal($"{Writes}", await EventuallyReadAsync(blind, deadline.Token));
        revision = await CountAsync(blind, revision, Writes + 1);
        Assert.Equal(revision, (await store.GetAsync(Counter, Cancellation))!.ModRevision);
    }

    /// <summary>Written once, on top of the one before, whatever became of the first attempts.</summary>
    private static async Task<long> CountAsync(EtcdStore store, long revision, int number)
    {
        var next = new StoreTransaction
        {
            Compares = [new StoreCompare.ModRevision(Counter, revision)],
            Writes = [Put(Counter, number.ToString(CultureInfo.InvariantCulture))],
        };
        while (true)
        {
            try
            {
                var result = await store.CommitSettledAsync(next, Patience, TimeProvider.System, Cancellation);
                Assert.True(result.Succeeded);
                return result.Revision;
            }
            catch (StoreUnavailableException)
            {
                // The others are still choosing who leads.
            }
        }
    }

    private static async Task<string> ReadAsync(EtcdStore store) => Encoding.UTF8.GetString((await store.GetAsync(Counter, Cancellation))!.Value.Span);

    private static async Task<string> EventuallyReadAsync(EtcdStore store, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await ReadAsync(store);
            }
            catch (StoreUnavailableException)
            {
                // Not back yet.
            }
        }
    }

    /// <summary>What the counter became, one after the other, until the last; opened again where it ends, as the interface says.</summary>
    private static async Task<List<string>> WatchAsync(EtcdStore store, long after, CancellationToken cancellation)
    {
        var values = new List<string>();
        while (values.Count < Writes)
        {
            try
            {
                await foreach (var batch in store.WatchAsync([Counter], after, cancellation))
                {
                    after = batch.Revision;
                    values.AddRange(batch.Changes.Select(change => Encoding.UTF8.GetString(change.Item!.Value.Span)));
                    if (values.Count >= Writes) break;
                }
            }
            catch (StoreUnavailableException)
            {
                // No member could be watched: from where it stood.
            }
        }

        return values;
    }
}
