using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>Opens connections to one database file: one that writes, and a few that only read, used again and again.</summary>
internal sealed class SqliteConnections(string path) : IDisposable
{
    private const int IdleReaders = 4;

    /// <summary>How long Microsoft.Data.Sqlite tries again when another program (a person with sqlite3) has locked the file; its default is 30 s.</summary>
    private const int LockedSeconds = 1;

    private readonly ConcurrentBag<SqliteConnection> _readers = [];
    private bool _disposed;

    public string Path { get; } = path;

    /// <summary>A connection on which nothing was set yet; the file must exist unless <paramref name="create"/>.</summary>
    public static SqliteConnection OpenBare(string path, bool create = false)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = create ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite,
            Pooling = false,
            DefaultTimeout = LockedSeconds,
        }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Each commit is on the disk when it is answered (synchronous=FULL); readers do not wait for the writer (WAL).</summary>
    public SqliteConnection OpenWriter()
    {
        var connection = OpenBare(Path);
        try
        {
            Execute(connection, """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA cache_size = -4096;
                PRAGMA journal_size_limit = 16777216;
                """);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public SqliteConnection TakeReader()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_readers.TryTake(out var idle)) return idle;
        var connection = OpenBare(Path);
        try
        {
            Execute(connection, "PRAGMA query_only = 1; PRAGMA cache_size = -512;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void GiveBack(SqliteConnection reader)
    {
        if (_disposed || _readers.Count >= IdleReaders) reader.Dispose();
        else _readers.Add(reader);
    }

    public void Dispose()
    {
        _disposed = true;
        while (_readers.TryTake(out var reader)) reader.Dispose();
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    public static string Text(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture) ?? "";
    }
}
