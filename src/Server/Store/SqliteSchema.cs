using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>The tables of a <see cref="SqliteStore"/>, and the checks that a file is one.</summary>
/// <remarks>
/// <c>items</c> is the present; <c>history</c> holds each change of the revisions kept, for watchers; <c>commits</c> has one row per revision with
/// the transaction's nonce; <c>leases</c> their times to live (how much is left is known to the process only).
/// </remarks>
internal static class SqliteSchema
{
    public const int Version = 1;

    /// <summary>"Lami": tells our files from other SQLite files.</summary>
    private const long ApplicationId = 0x4C616D69;

    public static void Create(SqliteConnection connection, string storeId, DateTimeOffset now)
    {
        using var transaction = connection.BeginTransaction();
        using var command = connection.CreateCommand();
        command.CommandText = $"""
            CREATE TABLE store(name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE items(
                key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL,
                create_revision INTEGER NOT NULL, mod_revision INTEGER NOT NULL, lease INTEGER NOT NULL) STRICT;
            CREATE INDEX items_lease ON items(lease) WHERE lease <> 0;
            CREATE TABLE commits(revision INTEGER PRIMARY KEY, nonce BLOB NOT NULL UNIQUE, committed_ms INTEGER NOT NULL) STRICT;
            CREATE TABLE history(
                revision INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, value BLOB,
                create_revision INTEGER NOT NULL, lease INTEGER NOT NULL, PRIMARY KEY(revision, number)) STRICT, WITHOUT ROWID;
            CREATE TABLE leases(id INTEGER PRIMARY KEY AUTOINCREMENT, time_to_live_ms INTEGER NOT NULL) STRICT;
            INSERT INTO store VALUES ('storeId', $storeId);
            INSERT INTO commits VALUES (1, zeroblob(16), $now);
            PRAGMA application_id = {ApplicationId};
            PRAGMA user_version = {Version};
            """;
        command.Parameters.AddWithValue("$storeId", storeId);
        command.Parameters.AddWithValue("$now", now.ToUnixTimeMilliseconds());
        command.ExecuteNonQuery();
        transaction.Commit();
    }

    /// <summary>Refuses what is no store, is damaged or is from a newer version; changes nothing. Gives the store's id.</summary>
    /// <exception cref="StoreRefusedException">Says why, and the way back.</exception>
    public static string Check(SqliteConnection connection, string path)
    {
        try
        {
            if (SqliteConnections.Scalar(connection, "PRAGMA application_id") != ApplicationId)
                throw Corrupt(path, "it is not a Lamina store", null);
            long version = SqliteConnections.Scalar(connection, "PRAGMA user_version");
            if (version > Version) throw Newer(path, version);
            string found = SqliteConnections.Text(connection, "PRAGMA quick_check(1)");
            if (found != "ok") throw Corrupt(path, found, null);
            return SqliteConnections.Text(connection, "SELECT value FROM store WHERE name = 'storeId'");
        }
        catch (SqliteException problem) when (IsDamage(problem))
        {
            throw Corrupt(path, problem.Message, problem);
        }
    }

    /// <summary>Gives the file another line of revisions: after a restore its numbers may run a second time.</summary>
    public static void SetStoreId(SqliteConnection connection, string storeId)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE store SET value = $storeId WHERE name = 'storeId'";
        command.Parameters.AddWithValue("$storeId", storeId);
        command.ExecuteNonQuery();
    }

    public static bool IsDamage(SqliteException problem) =>
        problem.SqliteErrorCode is SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_ERROR;

    public static StoreRefusedException Corrupt(string path, string how, Exception? cause) => new(
        StoreRefusal.Corrupt,
        $"The store file {path} cannot be used: {how}.",
        "It was left as it is, and guests run on. Put a backup in its place with 'laminad store restore FILE'.",
        cause);

    private static StoreRefusedException Newer(string path, long version) => new(
        StoreRefusal.Newer,
        string.Create(CultureInfo.InvariantCulture, $"The store file {path} has the form {version}; this version of Lamina knows forms up to {Version}."),
        "It was left as it is. Install the newer version again, or put a backup made before it in place with 'laminad store restore FILE'.");
}
