using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>Reads of the present and of the history, each on a connection that sees one state of the database.</summary>
internal sealed class SqliteReads(SqliteConnections connections)
{
    /// <summary>Revisions read from the history at a time.</summary>
    private const int HistoryPage = 64;

    public StoreItem? Get(string key) => Guarded(() =>
    {
        using var reading = new Reading(connections);
        using var command = reading.Command("SELECT key, value, create_revision, mod_revision, lease FROM items WHERE key = $0", key);
        using var rows = command.ExecuteReader();
        return rows.Read() ? SqliteRows.Item(rows) : null;
    });

    public async IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reading = Guarded(() => new Reading(connections));
        long revision = Guarded(reading.BeginSnapshot);
        int left = options.Limit ?? int.MaxValue;
        bool any = false;
        foreach (string prefix in prefixes)
        {
            string? last = null;
            while (left > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int size = Math.Min(left, StoreLimits.PageSize);
                var items = Guarded(() => reading.Page(prefix, options, last, size));
                if (items.Count > 0)
                {
                    any = true;
                    yield return new StorePage(revision, items);
                }

                left -= items.Count;
                if (items.Count < size) break;
                last = items[^1].Key;
            }
        }

        if (!any) yield return new StorePage(revision, []);
        await Task.CompletedTask;
    }

    /// <summary>The next revisions after a position.</summary>
    /// <returns>The batches, and the revision that they reach.</returns>
    /// <exception cref="StoreCompactedException">The next one is no longer held.</exception>
    public (IReadOnlyList<StoreBatch> Batches, long UpTo) History(long position) => Guarded(() =>
    {
        using var reading = new Reading(connections);
        long upTo = Math.Min(reading.BeginSnapshot(), position + HistoryPage);
        using var first = reading.Command("SELECT min(revision) FROM commits");
        long compacted = (long)first.ExecuteScalar()! - 1;
        if (position < compacted) throw new StoreCompactedException(compacted);
        using var command = reading.Command(
            "SELECT revision, key, value, create_revision, lease FROM history WHERE revision > $0 AND revision <= $1 ORDER BY revision, number",
            position,
            upTo);
        using var rows = command.ExecuteReader();
        return (Batches(rows), upTo);
    });

    private static List<StoreBatch> Batches(SqliteDataReader rows)
    {
        var batches = new List<StoreBatch>();
        var changes = new List<StoreEvent>();
        long revision = 0;
        while (rows.Read())
        {
            long next = rows.GetInt64(0);
            if (next != revision && changes.Count > 0)
            {
                batches.Add(new StoreBatch(revision, [.. changes]));
                changes.Clear();
            }

            revision = next;
            changes.Add(SqliteRows.Event(rows));
        }

        if (changes.Count > 0) batches.Add(new StoreBatch(revision, changes));
        return batches;
    }

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException problem)
        {
            throw new StoreUnavailableException(SqliteFailures.Describe(problem, connections.Path), problem);
        }
    }

    /// <summary>A borrowed connection.</summary>
    private sealed class Reading(SqliteConnections connections) : IDisposable
    {
        private readonly SqliteConnection _connection = connections.TakeReader();
        private SqliteTransaction? _snapshot;

        public SqliteCommand Command(string sql, params ReadOnlySpan<object> arguments)
        {
            var command = _connection.CreateCommand();
            command.CommandText = sql;
            command.Transaction = _snapshot;
            for (int index = 0; index < arguments.Length; index++) command.Parameters.AddWithValue($"${index}", arguments[index]);
            return command;
        }

        /// <summary>All reads from here on see one state; gives its revision.</summary>
        public long BeginSnapshot()
        {
            _snapshot = _connection.BeginTransaction(deferred: true);
            using var command = Command("SELECT max(revision) FROM commits");
            return (long)command.ExecuteScalar()!;
        }

        public List<StoreItem> Page(string prefix, StoreListOptions options, string? after, int size)
        {
            string low = prefix;
            string? high = StoreKeys.EndOf(prefix);
            string where = "key >= $0" + (high is null ? "" : " AND key < $1");
            string edge = options.Descending ? " AND key <= $2" : " AND key >= $2";
            if (after is not null) edge = options.Descending ? " AND key < $2" : " AND key > $2";
            string? from = after ?? options.From;
            using var command = Command($"""
                SELECT key, value, create_revision, mod_revision, lease FROM items
                WHERE {where}{(from is null ? "" : edge)} ORDER BY key {(options.Descending ? "DESC" : "ASC")} LIMIT {size}
                """);
            command.Parameters.AddWithValue("$0", low);
            if (high is not null) command.Parameters.AddWithValue("$1", high);
            if (from is not null) command.Parameters.AddWithValue("$2", from);
            using var rows = command.ExecuteReader();
            var items = new List<StoreItem>();
            while (rows.Read()) items.Add(SqliteRows.Item(rows));
            return items;
        }

        public void Dispose()
        {
            _snapshot?.Dispose();
            connections.GiveBack(_connection);
        }
    }
}
