using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server.Store;

namespace Lamina.Server.Backups;

/// <summary>
/// A backup of the daemon's state in one file: the store, the secrets that open it (CA, keys), and the configuration. Not the disks, NVRAM and TPM of
/// VMs: those lie in the pools. Whoever has it can be the installation: it is a secret itself.
/// </summary>
internal static class StateArchive
{
    public const string DescriptionName = "backup.json";
    public const string StoreName = "store.db";
    public const string SecretsFolder = "secrets/";
    public const string ConfigurationFolder = "etc/";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes the archive (tar, gzip) as of now, beside a running daemon.</summary>
    /// <param name="instance">Whose.</param>
    /// <param name="description">What stands in it about itself.</param>
    /// <param name="output">Where to; left open.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StoreUnavailableException">The store cannot be copied.</exception>
    /// <exception cref="StoreRefusedException">The state is not this host's alone.</exception>
    public static async Task WriteAsync(Instance instance, BackupDescription description, Stream output, CancellationToken cancellation)
    {
        StoreFolder.RequireSqlite(instance.StoreDirectory);
        string copy = Path.Combine(instance.StoreDirectory, $".tmp-backup-{Guid.NewGuid():N}.db");
        try
        {
            await Task.Run(() => SqliteBackup.Write(SqliteStoreFolder.DatabaseIn(instance.StoreDirectory), copy), cancellation);
            await using var archive = new Archive(output, CompressionLevel.Fastest);
            await archive.AddAsync(DescriptionName, JsonSerializer.SerializeToUtf8Bytes(description, ApiJson.Default.BackupDescription), cancellation);
            await AddFileAsync(archive, StoreName, copy, cancellation);
            await AddFolderAsync(archive, SecretsFolder, instance.SecretsDirectory, cancellation);
            await AddFolderAsync(archive, ConfigurationFolder, instance.ConfigurationDirectory, cancellation);
        }
        finally
        {
            File.Delete(copy);
        }
    }

    /// <summary>Unpacks an archive into a new folder and checks what it is. Names that lead elsewhere, links and devices are refused.</summary>
    /// <returns>What stands in it about itself.</returns>
    /// <exception cref="ProblemException">It is no backup, or one of a newer form.</exception>
    public static async Task<BackupDescription> UnpackAsync(string file, string folder, CancellationToken cancellation)
    {
        try
        {
            await using var input = File.OpenRead(file);
            await using var zipped = new GZipStream(input, CompressionMode.Decompress);
            await using var tar = new TarReader(zipped);
            while (await tar.GetNextEntryAsync(copyData: false, cancellation) is { } entry)
            {
                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !IsKnown(entry.Name)) throw NoBackup(file, $"it holds '{entry.Name}'");
                string path = Path.Combine(folder, entry.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly | UnixFileMode.UserExecute);
                await using var target = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
                if (entry.DataStream is { } content) await content.CopyToAsync(target, cancellation);
                target.Flush(flushToDisk: true);
            }

            return await DescriptionOfAsync(file, folder, cancellation);
        }
        catch (Exception broken) when (broken is InvalidDataException or EndOfStreamException or FormatException or JsonException)
        {
            throw NoBackup(file, broken.Message);
        }
    }

    /// <summary>Two folders deep at most, and of plain names.</summary>
    private static bool IsKnown(string name)
    {
        if (name is DescriptionName or StoreName) return true;
        string[] parts = name.Split('/');
        return parts.Length is 2 or 3 && parts[0] + "/" is SecretsFolder or ConfigurationFolder
            && parts.All(part => part.Length > 0 && part is not ("." or "..") && !part.Any(char.IsControl));
    }

    private static async Task<BackupDescription> DescriptionOfAsync(string file, string folder, CancellationToken cancellation)
    {
        string path = Path.Combine(folder, DescriptionName);
        if (!File.Exists(path) || !File.Exists(Path.Combine(folder, StoreName))) throw NoBackup(file, "the store or its description is missing");
        await using var content = File.OpenRead(path);
        var description = (await JsonSerializer.DeserializeAsync(content, ApiJson.Default.BackupDescription, cancellation))!;
        return description.Format == 1 ? description : throw new ProblemException(
            ProblemKind.Unprocessable, "backup.newer", $"{file} was made by Lamina {description.Version}, in a form that this version does not know.", "Install that version or a newer one, then restore.");
    }

    private static async Task AddFolderAsync(Archive archive, string prefix, string folder, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder)) return;
        foreach (string file in Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1, AttributesToSkip = FileAttributes.ReparsePoint }).Order(StringComparer.Ordinal))
            await AddFileAsync(archive, prefix + Path.GetRelativePath(folder, file), file, cancellation);
    }

    private static async Task AddFileAsync(Archive archive, string name, string path, CancellationToken cancellation)
    {
        await using var content = File.OpenRead(path);
        await archive.AddAsync(name, content, cancellation);
    }

    private static ProblemException NoBackup(string file, string why) =>
        new(ProblemKind.Unprocessable, "backup.invalid", $"{file} is no backup of Lamina's state: {why}.", "Name a file that 'lamina backup create' wrote.");
}
