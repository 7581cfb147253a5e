using Lamina.Server.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing.Store;

/// <summary>A real store in a folder of its own under the system's temporary folder, removed at the end.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    private TestStore(string folder, TimeProvider time, SqliteStoreOptions? options)
    {
        Folder = folder;
        Time = time;
        Store = SqliteStore.Open(folder, time, NullLogger<SqliteStore>.Instance, options);
        Options = options;
    }

    public string Folder { get; }

    public TimeProvider Time { get; }

    public SqliteStoreOptions? Options { get; }

    /// <summary>Another object after <see cref="ReopenAsync"/>.</summary>
    public SqliteStore Store { get; private set; }

    public static TestStore Create(TimeProvider? time = null, SqliteStoreOptions? options = null) =>
        new(Directory.CreateTempSubdirectory("lamina-store-").FullName, time ?? TimeProvider.System, options);

    /// <summary>Opens a store that is there already; its folder is removed at the end.</summary>
    public static TestStore Open(string folder) => new(folder, TimeProvider.System, null);

    /// <summary>Closes the store and opens it again, as a restart of the daemon does.</summary>
    public async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = SqliteStore.Open(Folder, Time, NullLogger<SqliteStore>.Instance, Options);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
