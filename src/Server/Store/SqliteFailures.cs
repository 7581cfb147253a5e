using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Lamina.Server.Store;

/// <summary>What SQLite's error codes mean for the one who asked.</summary>
internal static class SqliteFailures
{
    /// <summary>
    /// Whether a COMMIT that failed so may have reached the disk. A write that the file system refused has not (the commit frame is the
    /// last one of the WAL); after a failed fsync or another I/O error nobody can tell.
    /// </summary>
    public static bool MayBeWritten(SqliteException problem) => problem.SqliteErrorCode == SQLITE_IOERR;

    /// <summary>A group found no room; a smaller one may.</summary>
    public static bool MayFitAlone(SqliteException problem) => problem.SqliteErrorCode == SQLITE_FULL;

    public static string Describe(SqliteException problem, string path) => problem.SqliteErrorCode switch
    {
        SQLITE_FULL => $"The file system that holds the store {path} is full. Make room there: the daemon goes on by itself, guests run on.",
        SQLITE_READONLY => $"The file system that holds the store {path} has become read-only. Look for its errors in the kernel's log.",
        SQLITE_CORRUPT or SQLITE_NOTADB => $"The store file {path} is damaged. Stop the daemon and put a backup in place with 'laminad store restore FILE'.",
        SQLITE_BUSY or SQLITE_LOCKED => $"Another program has locked the store {path}. End it (fuser {path} tells which): the daemon then goes on by itself.",
        _ => $"The store {path} cannot be used: {problem.Message}.",
    };
}
