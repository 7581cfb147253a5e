using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Linux;
using Lamina.Linux.Files;

namespace Lamina.Server.Store;

/// <summary>
/// The folder of a daemon's store: <c>store.json</c> says which store it uses (its renaming into place is the one switch, decision 19), and
/// <c>store.lock</c> is held by the one daemon that may use it.
/// </summary>
internal sealed class StoreFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileLock _lock;

    private StoreFolder(string path, FileLock fileLock)
    {
        Path = path;
        _lock = fileLock;
    }

    public string Path { get; }

    /// <summary>The file <c>store.json</c>.</summary>
    public string DescriptionFile => FileIn(Path);

    /// <summary>Makes the folder if need be (readable by its owner only) and takes its lock.</summary>
    /// <exception cref="StoreRefusedException">Another daemon holds the lock.</exception>
    public static StoreFolder Lock(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        var fileLock = FileLock.TryAcquire(System.IO.Path.Combine(path, "store.lock"));
        if (fileLock is not null) return new StoreFolder(path, fileLock);
        throw new StoreRefusedException(
            StoreRefusal.InUse,
            $"The store in {path} is in use by another laminad.",
            "Stop that daemon first, or name another one with '--instance NAME'.");
    }

    /// <summary>What <c>store.json</c> says; null: there is none, and the store is a new one of this host alone.</summary>
    /// <exception cref="StoreRefusedException">It cannot be read, or names a kind of store that is not known.</exception>
    public static StoreDescription? Read(string path)
    {
        string file = FileIn(path);
        if (!File.Exists(file)) return null;
        try
        {
            using var content = File.OpenRead(file);
            var description = JsonSerializer.Deserialize(content, StoreJson.Default.StoreDescription) ?? throw new JsonException("it is null");
            return description.Kind switch
            {
                StoreDescription.Sqlite or StoreDescription.Etcd => description,
                _ => throw UnknownKind(file, description.Kind),
            };
        }
        catch (JsonException problem)
        {
            throw new StoreRefusedException(
                StoreRefusal.Corrupt,
                $"The file {file} cannot be read: {problem.Message}",
                $"On a host of its own, remove {file}: it is then made again. On a member of a cluster, put it back or join again.",
                problem);
        }
    }

    /// <summary>This host is a member of a cluster.</summary>
    /// <exception cref="StoreRefusedException">As of <see cref="Read"/>.</exception>
    public static bool IsEtcd(string path) => Read(path)?.Kind == StoreDescription.Etcd;

    /// <summary>For what works on the database of a host of its own. A member of a cluster never falls back to it (decision 4).</summary>
    /// <exception cref="StoreRefusedException">This host is a member of a cluster.</exception>
    public static void RequireSqlite(string path)
    {
        if (IsEtcd(path)) throw new StoreRefusedException(
            StoreRefusal.InCluster,
            $"This host is a member of a cluster: {FileIn(path)} names its etcd, and the database beside it is only what was there before.",
            "The cluster's state is backed up and restored for all members together: see 'lamina cluster'.");
    }

    /// <summary>The switch: after it the next start uses this store. By the daemon that holds the lock.</summary>
    public static void Write(string path, StoreDescription description)
    {
        CrashPoints.Reached("store", "switch", "before");
        DurableFile.Write(FileIn(path), JsonSerializer.SerializeToUtf8Bytes(description, StoreJson.Default.StoreDescription), OwnerOnly);
        CrashPoints.Reached("store", "switch", "after");
    }

    public void Dispose() => _lock.Dispose();

    private static string FileIn(string path) => System.IO.Path.Combine(path, "store.json");

    private static StoreRefusedException UnknownKind(string file, string kind) => new(
        StoreRefusal.UnknownKind,
        $"{file} names a store of kind '{kind}', which this version of Lamina does not know.",
        "Install the version that made it.");
}

/// <summary>What <c>store.json</c> says.</summary>
/// <param name="Kind"><see cref="Sqlite"/> or <see cref="Etcd"/>, whose members the cluster's own file names.</param>
/// <param name="StoreId">Of the store that is to be found there.</param>
internal sealed record StoreDescription(string Kind, string StoreId)
{
    public const string Sqlite = "sqlite";

    public const string Etcd = "etcd";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StoreDescription))]
internal sealed partial class StoreJson : JsonSerializerContext;
