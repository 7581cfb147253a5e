using System.Runtime.CompilerServices;

namespace Lamina.Server.Store;

/// <summary>
/// The store of one host: a SQLite database in WAL mode. One writer commits in groups, readers never wait for it, watchers read from memory or, when
/// they lag, from the history in the database.
/// </summary>
internal sealed class SqliteStore : IStore
{
    private static readonly TimeSpan ExpiryRetry = TimeSpan.FromSeconds(1);

    private readonly StoreFolder _folder;
    private readonly SqliteStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly SqliteConnections _connections;
    private readonly SqliteReads _reads;
    private readonly RevisionLog _log;
    private readonly SqliteWriter _writer;
    private readonly SqliteLeases _leases;
    private readonly CancellationTokenSource _closing = new();
    private volatile bool _sealed;
    private int _closed;

    private SqliteStore(StoreFolder folder, string storeId, SqliteStoreOptions options, TimeProvider time, ILogger<SqliteStore> logger)
    {
        _folder = folder;
        StoreId = storeId;
        _options = options;
        _time = time;
        _connections = new SqliteConnections(SqliteStoreFolder.DatabaseIn(folder.Path));
        _reads = new SqliteReads(_connections);
        var tables = new SqliteTables(_connections.OpenWriter(), time);
        _log = new RevisionLog(tables.Revision, SqliteConnections.Scalar(tables.Connection, "SELECT min(revision) - 1 FROM commits"));
        _leases = new SqliteLeases(time, id => _ = ExpireAsync(id));
        foreach (var (id, timeToLive) in tables.Leases()) _leases.Add(id, timeToLive);
        _writer = new SqliteWriter(_connections, tables, _log, new SqliteCompaction(options, time), time, logger);
    }

    public string StoreId { get; }

    /// <summary>The newest durable revision.</summary>
    public long Revision => _log.Revision;

    /// <summary>Opens the store in a folder, after checking it whole; makes it when there is none.</summary>
    /// <exception cref="StoreRefusedException">In use, damaged, newer, missing: says what to do. Nothing was changed.</exception>
    public static SqliteStore Open(string folder, TimeProvider time, ILogger<SqliteStore> logger, SqliteStoreOptions? options = null)
    {
        var locked = StoreFolder.Lock(folder);
        try
        {
            return new SqliteStore(locked, SqliteStoreFolder.Prepare(locked, time), options ?? new SqliteStoreOptions(), time, logger);
        }
        catch
        {
            locked.Dispose();
            throw;
        }
    }

    public async ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default)
    {
        StoreLimits.Check(transaction);
        return await WriteAsync(tables => tables.Apply(transaction), transaction, cancellationToken);
    }

    public ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        StoreLimits.CheckKey(key);
        return ValueTask.FromResult(_reads.Get(key));
    }

    public IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions? options = null, CancellationToken cancellationToken = default)
    {
        StoreLimits.CheckList(prefixes, options);
        return _reads.ListAsync(prefixes, options ?? new StoreListOptions(), cancellationToken);
    }

    public async IAsyncEnumerable<StoreBatch> WatchAsync(
        IReadOnlyList<string> prefixes, long afterRevision, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        long position = afterRevision;
        while (true)
        {
            ending.Token.ThrowIfCancellationRequested();
            var (upTo, batches, advanced) = _log.Since(position);
            IReadOnlyList<StoreBatch> found;
            (found, upTo) = batches is null ? _reads.History(position) : (batches, upTo);
            foreach (var batch in found)
            {
                var changes = Under(prefixes, batch.Changes);
                if (changes.Count == 0) continue;
                position = batch.Revision;
                yield return new StoreBatch(batch.Revision, changes);
            }

            if (upTo > position)
            {
                position = upTo;
                yield return new StoreBatch(upTo, []);
            }

            if (batches is not null) await advanced.WaitAsync(ending.Token);
        }
    }

    public async ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        long id = await WriteAsync(tables => tables.AddLease(timeToLive), null, cancellationToken);
        _leases.Add(id, timeToLive);
        return id;
    }

    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(_leases.KeepAlive(leaseId));

    public async ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default)
    {
        await WriteAsync(tables => tables.EndLease(leaseId), null, cancellationToken);
        _leases.Remove(leaseId);
    }

    /// <summary>
    /// Writes a copy of the store as of now to a file, while the daemon works on. The file appears whole or not at all, and replaces a former one.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The copy could not be written.</exception>
    public Task BackupAsync(string file, CancellationToken cancellationToken = default) =>
        Task.Run(() => SqliteBackup.Write(_connections.Path, file), cancellationToken);

    /// <summary>Refuses writes from now on, and waits for those under way: what is read afterwards is all there will be.</summary>
    public async Task SealAsync(CancellationToken cancellationToken)
    {
        _sealed = true;
        try
        {
            await QueueAsync(_ => true, null, cancellationToken);
        }
        catch
        {
            Unseal();
            throw;
        }
    }

    /// <summary>Takes writes again, unless <c>store.json</c> names another store by now.</summary>
    public void Unseal() => _sealed = StoreFolder.Read(_folder.Path) is { } now && now.StoreId != StoreId;

    /// <summary>The one rename that makes another store this daemon's; this one stays sealed.</summary>
    public void Switch(StoreDescription description)
    {
        if (!_sealed) throw new InvalidOperationException("A store that takes writes cannot be left for another.");
        StoreFolder.Write(_folder.Path, description);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        await _closing.CancelAsync();
        _leases.Dispose();
        await _writer.DisposeAsync();
        _connections.Dispose();
        _folder.Dispose();
        _closing.Dispose();
    }

    private ValueTask<T> WriteAsync<T>(Func<SqliteTables, T> work, StoreTransaction? transaction, CancellationToken cancellationToken) =>
        _sealed
            ? throw new StoreUnavailableException("The store is being moved into the cluster's etcd. Try again in a moment.")
            : QueueAsync(work, transaction, cancellationToken);

    private async ValueTask<T> QueueAsync<T>(Func<SqliteTables, T> work, StoreTransaction? transaction, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var write = new SqliteWrite<T>(work, FailureOf);
        if (!_writer.TryQueue(write)) throw new StoreUnavailableException("Too many changes wait for the store, or it is being closed. Try again.");
        try
        {
            return await write.Result.WaitAsync(_options.CommitTimeout, _time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            if (write.TryWithdraw()) throw;
            return await WaitBegunAsync();
        }
        catch (TimeoutException)
        {
            throw write.TryWithdraw() ? new StoreUnavailableException(TooSlow) : FailureOf(Silence);
        }

        async Task<T> WaitBegunAsync()
        {
            try
            {
                return await write.Result.WaitAsync(_options.CommitTimeout, _time, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                throw FailureOf(Silence);
            }
        }

        Exception FailureOf(SqliteWriteFailure failure) => failure.OutcomeUnknown && transaction is not null
            ? new StoreOutcomeUnknownException(transaction, failure.Message, failure.Cause)
            : new StoreUnavailableException(failure.Message, failure.Cause);
    }

    private SqliteWriteFailure Silence => new(TooSlow, null) { OutcomeUnknown = true };

    private string TooSlow => $"The disk that holds the store {_connections.Path} does not answer.";

    private async Task ExpireAsync(long leaseId)
    {
        while (true)
        {
            try
            {
                await WriteAsync(tables => tables.EndLease(leaseId), null, _closing.Token);
                return;
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(ExpiryRetry, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                // Closing: the lease begins anew at the next opening.
                return;
            }
        }
    }

    private static IReadOnlyList<StoreEvent> Under(IReadOnlyList<string> prefixes, IReadOnlyList<StoreEvent> changes)
    {
        bool Watched(StoreEvent change) => prefixes.Any(prefix => change.Key.StartsWith(prefix, StringComparison.Ordinal));
        return changes.All(Watched) ? changes : [.. changes.Where(Watched)];
    }
}
