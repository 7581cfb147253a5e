using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>
/// The folder of a store: <c>store.json</c> says which store this daemon uses (its renaming into place is the one switch, decision 19),
/// <c>store.db</c> is the database, <c>store.lock</c> is held by the one daemon that uses them.
/// </summary>
internal sealed class SqliteStoreFolder : IDisposable
{
    public const string Kind = "sqlite";

    private readonly FileStream _lock;

    private SqliteStoreFolder(string path, FileStream fileLock)
    {
        Path = path;
        _lock = fileLock;
    }

    public string Path { get; }

    public string Database => System.IO.Path.Combine(Path, "store.db");

    private string Description => System.IO.Path.Combine(Path, "store.json");

    /// <summary>Makes the folder if need be (readable by its owner only) and takes its lock.</summary>
    /// <exception cref="StoreRefusedException">Another daemon holds the lock.</exception>
    public static SqliteStoreFolder Lock(string path)
    {
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string lockPath = System.IO.Path.Combine(path, "store.lock");
        try
        {
            // On Linux FileShare.None is an advisory flock: it ends with the process, and child processes do not inherit it.
            return new SqliteStoreFolder(path, new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException busy) when (busy.GetType() == typeof(IOException))
        {
            throw new StoreRefusedException(
                StoreRefusal.InUse,
                $"The store in {path} is in use by another laminad.",
                "Stop that daemon, or start this one with '--instance NAME'.",
                busy);
        }
    }

    /// <summary>Checks what is there, makes the store if there is none, and gives its id.</summary>
    /// <exception cref="StoreRefusedException">What is there cannot be used; nothing was changed.</exception>
    public string Prepare(TimeProvider time)
    {
        var description = ReadDescription();
        bool exists = File.Exists(Database);
        if (description is not null && description.Kind != Kind) throw UnknownKind(description.Kind);
        if (description is not null && !exists) throw Missing($"the file {Database} is not there");
        string storeId = exists && IsComplete() ? Check() : Create(time);
        if (description is null) WriteDescription(storeId);
        else if (description.StoreId != storeId) throw Missing($"{Database} holds the store {storeId} instead");
        return storeId;

        StoreRefusedException Missing(string how) => new(
            StoreRefusal.Missing,
            $"{Description} names the store {description!.StoreId}, but {how}.",
            $"Put the file back, or a backup with 'laminad store restore FILE'; to begin with an empty store, remove {Description}.");
    }

    public void WriteDescription(string storeId)
    {
        string temporary = Description + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, new StoreDescription(Kind, storeId), StoreJson.Default.StoreDescription);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, Description, overwrite: true);
        FolderSync.Flush(Path);
    }

    public static string NewStoreId() => Guid.NewGuid().ToString("N")[..12];

    public void Dispose() => _lock.Dispose();

    /// <summary>A file without a page is what a death before the first commit leaves: there is nothing in it to lose.</summary>
    private bool IsComplete() => new FileInfo(Database).Length > 0 || File.Exists(Database + "-wal");

    private string Create(TimeProvider time)
    {
        string storeId = NewStoreId();
        using (var connection = SqliteConnections.OpenBare(Database, create: true))
        {
            File.SetUnixFileMode(Database, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            SqliteSchema.Create(connection, storeId, time.GetUtcNow());
        }

        FolderSync.Flush(Path);
        return storeId;
    }

    private string Check()
    {
        try
        {
            using var connection = SqliteConnections.OpenBare(Database);
            return SqliteSchema.Check(connection, Database);
        }
        catch (SqliteException problem)
        {
            throw SqliteSchema.Corrupt(Database, problem.Message, problem);
        }
    }

    private StoreDescription? ReadDescription()
    {
        if (!File.Exists(Description)) return null;
        try
        {
            using var file = File.OpenRead(Description);
            return JsonSerializer.Deserialize(file, StoreJson.Default.StoreDescription) ?? throw new JsonException("it is null");
        }
        catch (JsonException problem)
        {
            throw new StoreRefusedException(
                StoreRefusal.Corrupt,
                $"The file {Description} cannot be read: {problem.Message}",
                $"If {Database} is the store to use, remove {Description}: it is then made again.",
                problem);
        }
    }

    private StoreRefusedException UnknownKind(string kind) => new(
        StoreRefusal.UnknownKind,
        $"{Description} names a store of kind '{kind}', which this version of Lamina does not know.",
        "Install the version that made it.");
}

/// <summary>What <c>store.json</c> says.</summary>
internal sealed record StoreDescription(string Kind, string StoreId);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StoreDescription))]
internal sealed partial class StoreJson : JsonSerializerContext;
