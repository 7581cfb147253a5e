using Lamina.Server.Store;

namespace Lamina.Testing.Vms;

/// <summary>
/// The store as one daemon has it. The daemon dies at a commit of the test's choice: just before it or just after, from where on nothing that it still
/// does reaches the store. A test may also answer commits itself.
/// </summary>
internal sealed class MortalStore(IStore store) : IStore
{
    private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _buried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _commits;

    /// <summary>Lets a story be lived once whole, then once for each of its commits, at which the daemon dies.</summary>
    /// <param name="live">The story, by the number of the last commit; gives the store as its first daemon had it.</param>
    /// <returns>How many commits it has, and at how many of them the daemon died.</returns>
    public static async Task<(int Commits, int Deaths)> DieAtEachCommitAsync(Func<int, Task<MortalStore>> live)
    {
        int last = (await live(0)).Commits;
        int deaths = 0;
        for (int commit = 1; commit <= last; commit++)
        {
            if ((await live(commit)).Died.IsCompleted) deaths++;
        }

        return (last, deaths);
    }

    /// <summary>Which commit is its last, from 1; 0: it lives.</summary>
    public int LastCommit { get; init; }

    /// <summary>The last commit is still carried out.</summary>
    public bool DiesAfter { get; init; }

    /// <summary>Asked before each commit; null lets it through.</summary>
    public Func<StoreTransaction, Exception?>? Refuse { get; set; }

    public int Commits => Volatile.Read(ref _commits);

    public Task Died => _died.Task;

    public string StoreId => store.StoreId;

    /// <summary>What the dead daemon still waits for will not come.</summary>
    public void Bury() => _buried.TrySetResult();

    public async ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default)
    {
        int number = Interlocked.Increment(ref _commits);
        if (LastCommit == 0 || number < LastCommit)
        {
            if (Refuse?.Invoke(transaction) is { } refusal) throw refusal;
            return await store.CommitAsync(transaction, cancellationToken);
        }

        if (number == LastCommit && DiesAfter) await store.CommitAsync(transaction, CancellationToken.None);
        _died.TrySetResult();
        await _buried.Task;
        throw new StoreUnavailableException("The daemon is dead.");
    }

    public ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken = default) => store.GetAsync(key, cancellationToken);

    public IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions? options = null, CancellationToken cancellationToken = default) =>
        store.ListAsync(prefixes, options, cancellationToken);

    public IAsyncEnumerable<StoreBatch> WatchAsync(
        IReadOnlyList<string> prefixes, long afterRevision, CancellationToken cancellationToken = default) =>
        store.WatchAsync(prefixes, afterRevision, cancellationToken);

    public ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default) =>
        store.GrantLeaseAsync(timeToLive, cancellationToken);

    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken = default) =>
        store.KeepLeaseAliveAsync(leaseId, cancellationToken);

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default) => store.RevokeLeaseAsync(leaseId, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
