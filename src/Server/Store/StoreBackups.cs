namespace Lamina.Server.Store;

/// <summary>The daily backups of the store, in a folder of their own; <see cref="StoreBackupPlan"/> decides.</summary>
internal sealed class StoreBackups(string folder, string database, TimeProvider time)
{
    /// <summary>Makes a backup if one is due, removes those too many and what a death left half made.</summary>
    /// <exception cref="StoreUnavailableException">The copy could not be written; the former backups are still there.</exception>
    public Task RunAsync(CancellationToken cancellationToken) => Task.Run(Run, cancellationToken);

    /// <summary>The newest backup in a folder; null: there is none.</summary>
    public static string? Newest(string folder, DateTimeOffset now) =>
        StoreBackupPlan.Newest(NamesIn(folder), now) is { } name ? Path.Combine(folder, name) : null;

    private void Run()
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (string leftover in Directory.EnumerateFiles(folder, ".tmp-*")) File.Delete(leftover);
        var now = time.GetUtcNow();
        if (StoreBackupPlan.IsDue(NamesIn(folder), now)) SqliteBackup.Write(database, Path.Combine(folder, StoreBackupPlan.NameAt(now)));
        foreach (string name in StoreBackupPlan.Removable(NamesIn(folder), now)) File.Delete(Path.Combine(folder, name));
    }

    private static IReadOnlyList<string> NamesIn(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file))] : [];
}
