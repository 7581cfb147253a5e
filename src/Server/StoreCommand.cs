using System.Globalization;
using Lamina.Server.Store;

namespace Lamina.Server;

/// <summary><c>laminad store backup|restore|check</c>: the care of the store by hand, and the way back when the daemon refuses it.</summary>
internal static class StoreCommand
{
    public static void Run(CommandLine command, TimeProvider time, TextWriter output)
    {
        var instance = InstanceClaim.Derive(command.Instance);
        StoreFolder.RequireSqlite(instance.StoreDirectory);
        switch (command.Verb)
        {
            case CommandVerb.StoreBackup:
                Backup(instance, Path.GetFullPath(command.File!), output);
                break;
            case CommandVerb.StoreRestore:
                Restore(instance, Path.GetFullPath(command.File!), time, output);
                break;
            default:
                output.WriteLine(Describe("sound", SqliteCheckup.Run(instance.StoreDirectory)));
                break;
        }
    }

    /// <summary>Where the daemon's own backups lie; null: there is none yet.</summary>
    public static string? NewestBackup(InstanceOptions options, TimeProvider time) =>
        StoreBackups.Newest(InstanceClaim.Derive(options).BackupDirectory, time.GetUtcNow());

    private static void Backup(Instance instance, string file, TextWriter output)
    {
        // A slip must not cost an older backup, and least of all the store itself.
        if (File.Exists(file))
            throw new ProblemException(ProblemKind.Conflict, "store.backupExists", $"There is a file {file} already.", "Name another one.");
        var store = SqliteCheckup.Run(instance.StoreDirectory);
        SqliteBackup.Write(store.Database, file);
        output.WriteLine($"{Describe("copied", store)} to {file}");
        output.WriteLine($"Its secrets are sealed: {instance.SecretsDirectory} opens them and belongs in a backup of its own.");
    }

    private static void Restore(Instance instance, string file, TimeProvider time, TextWriter output)
    {
        string? former = SqliteBackup.Restore(file, instance.StoreDirectory, time);
        output.WriteLine(Describe("restored", SqliteCheckup.Run(instance.StoreDirectory)));
        if (former is not null) output.WriteLine($"The former one is kept as {former}; remove it when all is well.");
        output.WriteLine("Start laminad: guests that run go on. What was made after the backup is listed by 'lamina doctor', never removed.");
    }

    private static string Describe(string what, SqliteCheckup store) => string.Create(
        CultureInfo.InvariantCulture,
        $"The store {store.Database} is {what}: id {store.StoreId}, revision {store.Revision}, {store.Keys} keys, {store.SizeBytes / 1024} KiB");
}
