using System.Globalization;
using Lamina.Linux;
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
        string temporary = Beside(file);
        try
        {
            File.Delete(temporary);
            CopyInto(database, temporary);
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            CrashPoints.Reached("store", "backup", "before");
            MoveDurably(temporary, file);
            CrashPoints.Reached("store", "backup", "after");
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
    /// <exception cref="StoreUnavailableException">The backup could not be copied; nothing was changed.</exception>
    public static string? Restore(string backup, string folder, TimeProvider time)
    {
        using var locked = StoreFolder.Lock(folder);
        StoreFolder.RequireSqlite(folder);
        string database = SqliteStoreFolder.DatabaseIn(folder);
        string temporary = Beside(database);
        string storeId = SqliteStoreFolder.NewStoreId();
        try
        {
            CopyChecked(backup, temporary);
            using var connection = SqliteConnections.OpenBare(temporary);
            SqliteSchema.SetStoreId(connection, storeId);
        }
        catch (Exception problem) when (problem is SqliteException or IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw new StoreUnavailableException($"The backup {backup} cannot be copied to {folder}: {problem.Message}", problem);
        }
        catch (StoreRefusedException)
        {
            File.Delete(temporary);
            throw;
        }

        // From here to the last line a death leaves a store that is refused as missing: the same command then finishes the work.
        string? former = SetAside(database, time.GetUtcNow());
        MoveDurably(temporary, database);
        StoreFolder.Write(folder, new StoreDescription(StoreDescription.Sqlite, storeId));
        return former;
    }

    /// <summary>The copy is checked and not the backup itself, which may lie where nobody can write.</summary>
    private static void CopyChecked(string backup, string copy)
    {
        if (!File.Exists(backup))
            throw new StoreRefusedException(StoreRefusal.Missing, $"There is no backup {backup}.", "Name a file that 'laminad store backup' wrote.");
        File.Copy(backup, copy, overwrite: true);
        File.SetUnixFileMode(copy, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var connection = SqliteConnections.OpenBare(copy);
        SqliteSchema.Check(connection, backup);
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
        string aside = FreeName(database + now.ToString("'.before-restore-'yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture));
        bool existed = File.Exists(database);
        // The database first: from then on the store is missing. Its write-ahead log holds the newest transactions, and must not meet another database.
        foreach (string part in (string[])["", "-wal", "-shm"])
        {
            if (File.Exists(database + part)) File.Move(database + part, aside + part);
        }

        return existed ? aside : null;
    }

    private static string FreeName(string wanted) => Enumerable.Range(1, int.MaxValue)
        .Select(number => number == 1 ? wanted : string.Create(CultureInfo.InvariantCulture, $"{wanted}-{number}"))
        .First(name => !File.Exists(name) && !File.Exists(name + "-wal"));

    private static string Beside(string file) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, $".tmp-{Path.GetFileName(file)}");

    private static void MoveDurably(string from, string to)
    {
        using (var handle = File.OpenHandle(from, FileMode.Open, FileAccess.ReadWrite)) RandomAccess.FlushToDisk(handle);
        File.Move(from, to, overwrite: true);
        DurableFile.SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(to))!);
    }
}
