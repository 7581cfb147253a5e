using System.Globalization;
using Lamina.Linux.Files;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>Copies of the store, and the way back from one.</summary>
internal static class SqliteBackup
{
    /// <summary>Copies a database that may be in use, as of one moment, and without the writer's waiting.</summary>
    /// <exception cref="StoreUnavailableException">The copy could not be written.</exception>
    public static void Write(string database, string file)
    {
        string temporary = file + ".tmp";
        try
        {
            File.Delete(temporary);
            CopyInto(database, temporary);
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            MoveDurably(temporary, file);
        }
        catch (Exception problem) when (problem is SqliteException or IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            throw new StoreUnavailableException($"The store cannot be copied to {file}: {problem.Message}", problem);
        }
    }

    /// <summary>
    /// Puts a backup in the place of the store in a folder, whose daemon must not run. What was there is kept beside it. The restored store has a
    /// new id: its revisions are not those that clients remember.
    /// </summary>
    /// <returns>Where the former database now is; null if there was none.</returns>
    /// <exception cref="StoreRefusedException">A daemon runs, or the file is no usable backup; nothing was changed.</exception>
    public static string? Restore(string backup, string folder, TimeProvider time)
    {
        using var locked = SqliteStoreFolder.Lock(folder);
        string temporary = locked.Database + ".tmp";
        CheckBackup(backup);
        File.Copy(backup, temporary, overwrite: true);
        string storeId = SqliteStoreFolder.NewStoreId();
        using (var connection = SqliteConnections.OpenBare(temporary)) SqliteSchema.SetStoreId(connection, storeId);

        // From here to the last line a death leaves a store that is refused as missing: the same command then finishes the work.
        string? former = SetAside(locked.Database, time.GetUtcNow());
        MoveDurably(temporary, locked.Database);
        locked.WriteDescription(storeId);
        return former;
    }

    private static void CheckBackup(string backup)
    {
        if (!File.Exists(backup))
            throw new StoreRefusedException(StoreRefusal.Missing, $"There is no backup {backup}.", "Name a file that 'laminad store backup' wrote.");
        try
        {
            using var connection = SqliteConnections.OpenBare(backup);
            SqliteSchema.Check(connection, backup);
        }
        catch (SqliteException problem)
        {
            throw SqliteSchema.Corrupt(backup, problem.Message, problem);
        }
    }

    private static void CopyInto(string database, string file)
    {
        using var connection = SqliteConnections.OpenBare(database);
        using var command = connection.CreateCommand();
        command.CommandText = "VACUUM INTO $file";
        command.Parameters.AddWithValue("$file", file);
        command.ExecuteNonQuery();
    }

    private static string? SetAside(string database, DateTimeOffset now)
    {
        if (!File.Exists(database)) return null;
        string aside = database + now.ToString("'.before-restore-'yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        // The write-ahead log belongs to its database: without it the newest transactions would be missing.
        foreach (string part in (string[])["-wal", "-shm", ""])
        {
            if (File.Exists(database + part)) File.Move(database + part, aside + part, overwrite: true);
        }

        return aside;
    }

    private static void MoveDurably(string from, string to)
    {
        using (var handle = File.OpenHandle(from, FileMode.Open, FileAccess.ReadWrite)) RandomAccess.FlushToDisk(handle);
        File.Move(from, to, overwrite: true);
        DurableFile.SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(to))!);
    }
}
