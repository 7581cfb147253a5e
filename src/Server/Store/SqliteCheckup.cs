using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>A store that was read whole and found sound.</summary>
/// <param name="Database">The file.</param>
/// <param name="StoreId">Of the store.</param>
/// <param name="Revision">The newest.</param>
/// <param name="Keys">How many there are now.</param>
/// <param name="SizeBytes">Of the database file.</param>
internal sealed record SqliteCheckup(string Database, string StoreId, long Revision, long Keys, long SizeBytes)
{
    /// <summary>Reads a store whole; a daemon may be using it.</summary>
    /// <exception cref="StoreRefusedException">There is none, it is damaged or newer; the message says what to do.</exception>
    public static SqliteCheckup Run(string folder)
    {
        string database = SqliteStoreFolder.DatabaseIn(folder);
        if (!File.Exists(database))
            throw new StoreRefusedException(StoreRefusal.Missing, $"There is no store {database}.", "A daemon makes it at its first start.");
        try
        {
            using var connection = SqliteConnections.OpenBare(database);
            string storeId = SqliteSchema.Check(connection, database);
            if (Problem(connection) is { } problem) throw SqliteSchema.Corrupt(database, problem, null);
            return new SqliteCheckup(
                database,
                storeId,
                SqliteConnections.Scalar(connection, "SELECT max(revision) FROM commits"),
                SqliteConnections.Scalar(connection, "SELECT count(*) FROM items"),
                new FileInfo(database).Length);
        }
        catch (SqliteException problem)
        {
            throw SqliteSchema.Corrupt(database, problem.Message, problem);
        }
    }

    /// <summary>Every page and index by SQLite's own check, then what it cannot know: that the tables agree with each other.</summary>
    private static string? Problem(SqliteConnection connection)
    {
        string found = SqliteConnections.Text(connection, "PRAGMA integrity_check(1)");
        if (found != "ok") return found;
        long strangers = SqliteConnections.Scalar(
            connection,
            """
            SELECT count(*) FROM items
            WHERE create_revision > mod_revision OR mod_revision > (SELECT max(revision) FROM commits)
               OR (lease <> 0 AND lease NOT IN (SELECT id FROM leases))
            """);
        if (strangers > 0) return $"{strangers} keys bear revisions or leases that were never given";
        long gaps = SqliteConnections.Scalar(connection, "SELECT max(revision) - min(revision) + 1 - count(*) FROM commits");
        return gaps > 0 ? $"{gaps} revisions are missing" : null;
    }
}
