using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Linux;
using Lamina.Linux.Files;
using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>
/// The folder of a store: <c>store.json</c> says which store this daemon uses (its renaming into place is the one switch, decision 19),
/// <c>store.db</c> is the database, <c>store.lock</c> is held by the one daemon that uses them.
/// </summary>
internal sealed class SqliteStoreFolder : IDisposable
{
    public const string Kind = "sqlite";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileLock _lock;

    private SqliteStoreFolder(string path, FileLock fileLock)
    {
        Path = path;
        _lock = fileLock;
    }

    public string Path { get; }

    public string Database => DatabaseIn(Path);

    private string Description => System.IO.Path.Combine(Path, "store.json");

    /// <summary>Makes the folder if need be (readable by its owner only) and takes its lock.</summary>
    /// <exception cref="StoreRefusedException">Another daemon holds the lock.</exception>
    public static SqliteStoreFolder Lock(string path)
    {
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var fileLock = FileLock.TryAcquire(System.IO.Path.Combine(path, "store.lock"));
        if (fileLock is not null) return new SqliteStoreFolder(path, fileLock);
        throw new StoreRefusedException(
            StoreRefusal.InUse,
            $"The store in {path} is in use by another laminad.",
            "Stop that daemon first, or name another one with '--instance NAME'.");
    }

    /// <summary>Checks what is there, makes the store if there is none, and gives its id.</summary>
    /// <exception cref="StoreRefusedException">What is there cannot be used; nothing was changed.</exception>
    public string Prepare(TimeProvider time)
    {
        var description = ReadDescription();
        bool exists = File.Exists(Database);
        if (description is not null && description.Kind != Kind) throw UnknownKind(description.Kind);
        if (description is not null && !exists) throw Missing($"the file {Database} is not there");
        string storeId = exists ? Check() : Create(time);
        if (description is null) WriteDescription(storeId);
        else if (description.StoreId != storeId) throw Missing($"{Database} holds the store {storeId} instead");
        foreach (string leftover in Directory.EnumerateFiles(Path, ".tmp-*")) File.Delete(leftover);
        return storeId;

        StoreRefusedException Missing(string how) => new(
            StoreRefusal.Missing,
            $"{Description} names the store {description!.StoreId}, but {how}.",
            $"Put the file back, or a backup with 'laminad store restore FILE'; to begin with an empty store, remove {Description}.");
    }

    public static string DatabaseIn(string folder) => System.IO.Path.Combine(folder, "store.db");

    public void WriteDescription(string storeId) => DurableFile.Write(
        Description,
        JsonSerializer.SerializeToUtf8Bytes(new StoreDescription(Kind, storeId), StoreJson.Default.StoreDescription),
        OwnerOnly);

    public static string NewStoreId() => Guid.NewGuid().ToString("N")[..12];

    public void Dispose() => _lock.Dispose();

    /// <summary>The database appears under its name only when it is whole.</summary>
    private string Create(TimeProvider time)
    {
        string storeId = NewStoreId();
        string temporary = System.IO.Path.Combine(Path, ".tmp-store.db");
        // A log whose database is gone must not be taken for the new one's.
        foreach (string leftover in (string[])[temporary, Database + "-wal", Database + "-shm"]) File.Delete(leftover);
        using (var connection = SqliteConnections.OpenBare(temporary, create: true))
        {
            File.SetUnixFileMode(temporary, OwnerOnly);
            SqliteSchema.Create(connection, storeId, time.GetUtcNow());
        }

        CrashPoints.Reached("store", "create", "before");
        File.Move(temporary, Database);
        DurableFile.SyncDirectory(Path);
        CrashPoints.Reached("store", "create", "after");
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
