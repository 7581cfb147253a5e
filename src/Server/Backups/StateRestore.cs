using System.Globalization;
using Lamina.Api;
using Lamina.Server.Store;

namespace Lamina.Server.Backups;

/// <summary>
/// The way back from a <see cref="StateArchive"/>, while no daemon runs. What is there is set aside, never deleted. After a death in between the same
/// command finishes the work.
/// </summary>
internal static class StateRestore
{
    private const UnixFileMode RootOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <exception cref="ProblemException">It is no backup; nothing was changed.</exception>
    /// <exception cref="StoreRefusedException">A daemon runs, or the store in it is damaged; nothing was changed.</exception>
    public static async Task RunAsync(Instance instance, string file, TimeProvider time, TextWriter output, CancellationToken cancellation)
    {
        Directory.CreateDirectory(instance.DataDirectory);
        // Refuses beside a running daemon before anything is unpacked; SqliteBackup takes the lock again for the store itself.
        using (StoreFolder.Lock(instance.StoreDirectory))
        {
        }

        string staging = Path.Combine(instance.DataDirectory, ".tmp-restore");
        if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
        Directory.CreateDirectory(staging, RootOnly);
        try
        {
            var description = await StateArchive.UnpackAsync(file, staging, cancellation);
            output.WriteLine($"{file}: the state of {description.Host} at {description.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, by Lamina {description.Version}");
            string? former = SqliteBackup.Restore(Path.Combine(staging, StateArchive.StoreName), instance.StoreDirectory, time);
            Tell(output, "store", former);
            string stamp = time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
            Tell(output, "secrets", Replace(Path.Combine(staging, "secrets"), instance.SecretsDirectory, stamp));
            TellConfiguration(output, Path.Combine(staging, "etc"), instance, stamp);
            output.WriteLine("Start laminad: guests that run go on. What was made after the backup is listed by 'lamina doctor', never removed.");
        }
        finally
        {
            Directory.Delete(staging, recursive: true);
        }
    }

    /// <summary>Null: nothing was there before.</summary>
    private static string? Replace(string staged, string folder, string stamp)
    {
        if (!Directory.Exists(staged)) return null;
        string? aside = null;
        if (Directory.Exists(folder))
        {
            aside = $"{folder}.before-restore-{stamp}";
            Directory.Move(folder, aside);
        }

        Directory.Move(staged, folder);
        return aside;
    }

    /// <summary>The configuration is a person's: an absent one is brought back, a present one stays, and the backup's lies beside it.</summary>
    private static void TellConfiguration(TextWriter output, string staged, Instance instance, string stamp)
    {
        if (!Directory.Exists(staged)) return;
        bool isThere = Directory.Exists(instance.ConfigurationDirectory) && Directory.EnumerateFileSystemEntries(instance.ConfigurationDirectory).Any();
        string target = isThere ? $"{instance.ConfigurationDirectory}.from-backup-{stamp}" : instance.ConfigurationDirectory;
        if (!isThere && Directory.Exists(target)) Directory.Delete(target);
        CopyFolder(staged, target);
        output.WriteLine(isThere ? $"The present configuration stays; that of the backup lies in {target}." : $"The configuration is restored to {target}.");
    }

    /// <summary>Copied, since it may lie on another file system.</summary>
    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (string folder in Directory.EnumerateDirectories(from)) CopyFolder(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    private static void Tell(TextWriter output, string what, string? former) =>
        output.WriteLine(former is null ? $"The {what} is restored." : $"The {what} is restored; the former one is kept as {former}.");
}
