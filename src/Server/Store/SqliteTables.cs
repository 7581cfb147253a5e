using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>
/// The writer's connection with its prepared statements: applies transactions one after the other inside the SQLite transaction now open, and
/// collects what each revision changed. Used by one thread at a time.
/// </summary>
internal sealed class SqliteTables : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly TimeProvider _time;
    private readonly List<StoreBatch> _batches = [];
    private readonly List<StoreEvent> _changes = [];

    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _rollback;
    private readonly SqliteStatement _item;
    private readonly SqliteStatement _put;
    private readonly SqliteStatement _delete;
    private readonly SqliteStatement _deleteRange;
    private readonly SqliteStatement _deleteAbove;
    private readonly SqliteStatement _deleteLeased;
    private readonly SqliteStatement _nonce;
    private readonly SqliteStatement _addCommit;
    private readonly SqliteStatement _addHistory;
    private readonly SqliteStatement _leaseExists;
    private readonly SqliteStatement _leases;
    private readonly SqliteStatement _addLease;
    private readonly SqliteStatement _endLease;

    public SqliteTables(SqliteConnection connection, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        _begin = new SqliteStatement(connection, "BEGIN IMMEDIATE");
        _commit = new SqliteStatement(connection, "COMMIT");
        _rollback = new SqliteStatement(connection, "ROLLBACK");
        _item = new SqliteStatement(connection, "SELECT key, value, create_revision, mod_revision, lease FROM items WHERE key = $0");
        _put = new SqliteStatement(connection, """
            INSERT INTO items(key, value, create_revision, mod_revision, lease) VALUES ($0, $1, $2, $2, $3)
            ON CONFLICT(key) DO UPDATE SET value = excluded.value, mod_revision = excluded.mod_revision, lease = excluded.lease
            RETURNING create_revision
            """);
        _delete = new SqliteStatement(connection, "DELETE FROM items WHERE key = $0 RETURNING key");
        _deleteRange = new SqliteStatement(connection, "DELETE FROM items WHERE key >= $0 AND key < $1 RETURNING key");
        _deleteAbove = new SqliteStatement(connection, "DELETE FROM items WHERE key >= $0 RETURNING key");
        _deleteLeased = new SqliteStatement(connection, "DELETE FROM items WHERE lease = $0 AND lease <> 0 RETURNING key");
        _nonce = new SqliteStatement(connection, "SELECT revision FROM commits WHERE nonce = $0");
        _addCommit = new SqliteStatement(connection, "INSERT INTO commits(revision, nonce, committed_ms) VALUES ($0, $1, $2)");
        _addHistory = new SqliteStatement(
            connection, "INSERT INTO history(revision, number, key, value, create_revision, lease) VALUES ($0, $1, $2, $3, $4, $5)");
        _leaseExists = new SqliteStatement(connection, "SELECT id FROM leases WHERE id = $0");
        _leases = new SqliteStatement(connection, "SELECT id, time_to_live_ms FROM leases");
        _addLease = new SqliteStatement(connection, "INSERT INTO leases(time_to_live_ms) VALUES ($0) RETURNING id");
        _endLease = new SqliteStatement(connection, "DELETE FROM leases WHERE id = $0 RETURNING id");
        Revision = SqliteConnections.Scalar(connection, "SELECT max(revision) FROM commits");
    }

    public SqliteConnection Connection => _connection;

    /// <summary>Of the last transaction applied, committed or not.</summary>
    public long Revision { get; private set; }

    public void Begin() => _begin.Run();

    /// <summary>Makes all applied since <see cref="Begin"/> durable and gives their changes, in order.</summary>
    public StoreBatch[] Commit()
    {
        _commit.Run();
        StoreBatch[] batches = [.. _batches];
        _batches.Clear();
        return batches;
    }

    public void Rollback()
    {
        _batches.Clear();
        _changes.Clear();
        _rollback.Run();
    }

    public StoreResult Apply(StoreTransaction transaction)
    {
        byte[] nonce = transaction.Nonce.ToByteArray();
        if (_nonce.First(row => row.GetInt64(0), nonce) is { } former) return new StoreResult { Succeeded = true, Revision = former };
        if (!transaction.Compares.All(Holds)) return Refuse(transaction);
        foreach (var put in transaction.Writes.OfType<StoreWrite.Put>()) RequireLease(put.LeaseId);
        foreach (var write in transaction.Writes) Write(write);
        EndRevision(nonce);
        return new StoreResult { Succeeded = true, Revision = Revision };
    }

    public IReadOnlyList<(long Id, TimeSpan TimeToLive)> Leases()
    {
        var leases = new List<(long, TimeSpan)>();
        _leases.Each(row => leases.Add((row.GetInt64(0), TimeSpan.FromMilliseconds(row.GetInt64(1)))));
        return leases;
    }

    /// <summary>Records a lease and gives its id, which is never used again.</summary>
    public long AddLease(TimeSpan timeToLive) => _addLease.First(row => row.GetInt64(0), (long)timeToLive.TotalMilliseconds)!.Value;

    /// <summary>Deletes the keys that hang on a lease, at one revision, and the lease. True: there was one.</summary>
    public bool EndLease(long leaseId)
    {
        if (_endLease.First(row => row.GetInt64(0), leaseId) is null) return false;
        DeleteAll(_deleteLeased, leaseId);
        EndRevision(Guid.CreateVersion7(_time.GetUtcNow()).ToByteArray());
        return true;
    }

    public void Dispose() => _connection.Dispose();

    private bool Holds(StoreCompare compare)
    {
        var item = Find(compare.Key);
        return compare switch
        {
            StoreCompare.Exists => item is not null,
            StoreCompare.Absent => item is null,
            StoreCompare.ModRevision mod => item?.ModRevision == mod.Revision,
            StoreCompare.CreateRevision created => item?.CreateRevision == created.Revision,
            StoreCompare.Value value => item is not null && item.Value.Span.SequenceEqual(value.Bytes.Span),
            _ => throw new ArgumentOutOfRangeException(nameof(compare)),
        };
    }

    private StoreResult Refuse(StoreTransaction transaction) => new()
    {
        Succeeded = false,
        Revision = Revision,
        ElseItems = [.. transaction.ElseKeys.Select(Find).OfType<StoreItem>()],
    };

    private StoreItem? Find(string key)
    {
        StoreItem? item = null;
        _item.Each(row => item = SqliteRows.Item(row), key);
        return item;
    }

    private void RequireLease(long leaseId)
    {
        if (leaseId != 0 && _leaseExists.First(row => row.GetInt64(0), leaseId) is null) throw new StoreLeaseGoneException(leaseId);
    }

    private void Write(StoreWrite write)
    {
        switch (write)
        {
            case StoreWrite.Put put:
                Put(put);
                break;
            case StoreWrite.Delete delete:
                DeleteAll(_delete, delete.Key);
                break;
            case StoreWrite.DeletePrefix range when StoreKeys.EndOf(range.Prefix) is { } end:
                DeleteAll(_deleteRange, range.Prefix, end);
                break;
            case StoreWrite.DeletePrefix range:
                DeleteAll(_deleteAbove, range.Prefix);
                break;
        }
    }

    private void Put(StoreWrite.Put put)
    {
        long revision = Revision + 1;
        byte[] value = ToArray(put.Value);
        long created = _put.First(row => row.GetInt64(0), put.Key, value, revision, put.LeaseId)!.Value;
        _changes.Add(new StoreEvent(put.Key, new StoreItem(put.Key, value, created, revision, put.LeaseId)));
    }

    private void DeleteAll(SqliteStatement statement, params ReadOnlySpan<object> arguments) =>
        statement.Each(row => _changes.Add(new StoreEvent(row.GetString(0), null)), arguments);

    /// <summary>What changed becomes a revision; where nothing did, there is none.</summary>
    private void EndRevision(byte[] nonce)
    {
        if (_changes.Count == 0) return;
        Revision++;
        _addCommit.Run(Revision, nonce, _time.GetUtcNow().ToUnixTimeMilliseconds());
        for (int number = 0; number < _changes.Count; number++)
        {
            var (key, item) = _changes[number];
            object value = item is null ? DBNull.Value : ToArray(item.Value);
            _addHistory.Run(Revision, (long)number, key, value, item?.CreateRevision ?? 0, item?.LeaseId ?? 0);
        }

        _batches.Add(new StoreBatch(Revision, [.. _changes]));
        _changes.Clear();
    }

    private static byte[] ToArray(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : bytes.ToArray();
}
