using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>
/// The one writer. It takes what waits, up to <see cref="GroupSize"/>, applies each piece as its own revision inside one SQLite transaction, and
/// answers all after the one fsync. When the disk refuses a group, each piece is tried again alone, so that one too large does not
/// take the others with it; the nonce keeps a piece from being applied twice.
/// </summary>
internal sealed partial class SqliteWriter : IAsyncDisposable
{
    private const int GroupSize = 64;
    private const int QueueLength = 4096;

    private readonly SqliteConnections _connections;
    private readonly RevisionLog _log;
    private readonly SqliteCompaction _compaction;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<SqliteWrite> _queue = Channel.CreateBounded<SqliteWrite>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true });

    private readonly Task _running;
    private SqliteTables? _tables;

    public SqliteWriter(
        SqliteConnections connections, SqliteTables tables, RevisionLog log, SqliteCompaction compaction, TimeProvider time, ILogger logger)
    {
        _connections = connections;
        _tables = tables;
        _log = log;
        _compaction = compaction;
        _time = time;
        _logger = logger;
        _running = Task.Run(RunAsync);
    }

    /// <summary>False: too many are waiting, or the store is closed.</summary>
    public bool TryQueue(SqliteWrite write) => _queue.Writer.TryWrite(write);

    /// <summary>Finishes what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _running;
        _tables?.Dispose();
    }

    private async Task RunAsync()
    {
        var group = new List<SqliteWrite>(GroupSize);
        while (await _queue.Reader.WaitToReadAsync())
        {
            while (group.Count < GroupSize && _queue.Reader.TryRead(out var write))
            {
                if (write.TryBegin()) group.Add(write);
            }

            Write(group);
            group.Clear();
            Compact();
        }
    }

    private void Write(List<SqliteWrite> group)
    {
        if (group.Count == 0) return;
        var failure = TryWrite(group);
        if (failure is null) return;
        bool alone = failure.TryAlone || failure.OutcomeUnknown;
        var refused = new List<(SqliteWrite Write, SqliteWriteFailure Failure)>();
        foreach (var write in group)
        {
            // After an unknown outcome this second attempt is the competing write that settles it.
            var again = alone ? TryWrite([write]) : failure;
            if (again is null) continue;
            refused.Add((write, again with { OutcomeUnknown = again.OutcomeUnknown || failure.OutcomeUnknown }));
            alone &= again.TryAlone;
        }

        if (!alone) refused.AddRange(TakeWaiting().Select(write => (write, failure with { OutcomeUnknown = false })));

        // Answered last: whoever hears the refusal, mends its reason and writes again is not among those that waited.
        foreach (var (write, reason) in refused) write.Fail(reason);
    }

    /// <summary>What came meanwhile would fail alike, only later than its callers wait.</summary>
    private List<SqliteWrite> TakeWaiting()
    {
        var waiting = new List<SqliteWrite>();
        while (_queue.Reader.TryRead(out var write))
        {
            if (write.TryBegin()) waiting.Add(write);
        }

        return waiting;
    }

    private SqliteWriteFailure? TryWrite(List<SqliteWrite> group)
    {
        bool committing = false;
        try
        {
            var tables = _tables ??= Reopen();
            tables.Begin();
            foreach (var write in group) write.Run(tables);
            committing = true;
            _log.Publish(tables.Commit());
        }
        catch (SqliteException problem)
        {
            LogFailed(_logger, problem);
            Abandon();
            return new SqliteWriteFailure(SqliteFailures.Describe(problem, _connections.Path), problem)
            {
                OutcomeUnknown = committing && SqliteFailures.MayBeWritten(problem),
                TryAlone = SqliteFailures.MayFitAlone(problem),
            };
        }

        foreach (var write in group) write.Complete();
        return null;
    }

    /// <summary>After a failure nothing of the connection is relied on; the next write opens a new one.</summary>
    private void Abandon()
    {
        try
        {
            _tables?.Rollback();
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself, or closing the connection does.
        }

        _tables?.Dispose();
        _tables = null;
    }

    private SqliteTables Reopen()
    {
        var connection = _connections.OpenWriter();
        try
        {
            var tables = new SqliteTables(connection, _time);
            // A commit called unknown may be there after all: watchers must see it.
            _log.Adopt(tables.Revision);
            return tables;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void Compact()
    {
        if (_tables is null) return;
        try
        {
            _compaction.Step(_tables, _log);
        }
        catch (SqliteException problem)
        {
            LogFailed(_logger, problem);
            Abandon();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The store cannot write")]
    private static partial void LogFailed(ILogger logger, Exception problem);
}
