using Lamina.Linux;
using Lamina.Linux.Files;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>The database of a store of one host, in its folder: <c>store.db</c>.</summary>
internal static class SqliteStoreFolder
{
    public static string DatabaseIn(string folder) => Path.Combine(folder, "store.db");

    public static string NewStoreId() => Guid.NewGuid().ToString("N")[..12];

    /// <summary>Checks what is there, makes the store if there is none, and gives its id.</summary>
    /// <exception cref="StoreRefusedException">What is there cannot be used; nothing was changed.</exception>
    public static string Prepare(StoreFolder folder, TimeProvider time)
    {
        StoreFolder.RequireSqlite(folder.Path);
        var description = StoreFolder.Read(folder.Path);
        string database = DatabaseIn(folder.Path);
        bool exists = File.Exists(database);
        if (description is not null && !exists) throw Missing($"the file {database} is not there");
        string storeId = exists ? Check(database) : Create(folder.Path, time);
        if (description is null) StoreFolder.Write(folder.Path, new StoreDescription(StoreDescription.Sqlite, storeId));
        else if (description.StoreId != storeId) throw Missing($"{database} holds the store {storeId} instead");
        foreach (string leftover in Directory.EnumerateFiles(folder.Path, ".tmp-*")) File.Delete(leftover);
        return storeId;

        StoreRefusedException Missing(string how) => new(
            StoreRefusal.Missing,
            $"{folder.DescriptionFile} names the store {description!.StoreId}, but {how}.",
            $"Put the file back, or a backup with 'laminad store restore FILE'; to begin with an empty store, remove {folder.DescriptionFile}.");
    }

    /// <summary>The database appears under its name only when it is whole.</summary>
    private static string Create(string folder, TimeProvider time)
    {
        string storeId = NewStoreId();
        string database = DatabaseIn(folder), temporary = Path.Combine(folder, ".tmp-store.db");
        // A log whose database is gone must not be taken for the new one's.
        foreach (string leftover in (string[])[temporary, database + "-wal", database + "-shm"]) File.Delete(leftover);
        using (var connection = SqliteConnections.OpenBare(temporary, create: true))
        {
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            SqliteSchema.Create(connection, storeId, time.GetUtcNow());
        }

        CrashPoints.Reached("store", "create", "before");
        File.Move(temporary, database);
        DurableFile.SyncDirectory(folder);
        CrashPoints.Reached("store", "create", "after");
        return storeId;
    }

    private static string Check(string database)
    {
        try
        {
            using var connection = SqliteConnections.OpenBare(database);
            return SqliteSchema.Check(connection, database);
        }
        catch (SqliteException problem)
        {
            throw SqliteSchema.Corrupt(database, problem.Message, problem);
        }
    }
}
