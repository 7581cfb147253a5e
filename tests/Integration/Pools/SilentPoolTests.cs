using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Pools;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Pools;

/// <summary>A shared pool whose file system answers nothing any more, as NFS without its server.</summary>
public sealed class SilentPoolTests : IAsyncLifetime
{
    private const string Host = "host";

    private readonly TemporaryFolder _folder = new();
    private readonly string _id = StorageWorld.NewId();
    private string _shared = "";
    private StorageWorld _world = null!;
    private string _own = "";

    private HostPools Pools => _world.Rooms.Pools;

    private PoolHostStatus? Found => _world.Snapshot.Get(Keys.Pools.OnHost, Keys.Pools.OnHostId(_id, Host))?.Record;

    public async ValueTask InitializeAsync()
    {
        _world = await StorageWorld.StartAsync(_folder.File("own"));
        _own = _world.PoolId;
        _shared = _folder.File("shared");
        PoolFolder.Take(new PoolPaths(_shared), _id);
        await _world.CommitAsync(new StoreChange("test").Create(Keys.Pools.Spec, _id, new PoolSpec { Name = "nfs", Path = _shared, Scope = PoolScope.Shared, Marked = true }));
        await UntilFoundAsync(status => status.Available);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_is_said_to_hang_is_left_alone_and_is_used_again_when_it_answers()
    {
        using (SilentFileSystem.Over(_shared))
        {
            // Before anybody knows: whoever asks for room waits for a while, and the other pool is not lost with it.
            var asked = Task.Run(() => Pools.TryReserve(_id, "a", "the upload", 1));
            var other = Task.Run(() => Pools.TryReserve(_own, "b", "the upload", 1));
            Assert.Equal(SharedPools.Hangs, (await Assert.ThrowsAsync<ProblemException>(() => asked)).Code);
            Assert.Null(await other);

            await UntilFoundAsync(status => status is { Available: false, Failure.Code: SharedPools.Hangs });
            var refused = Assert.Throws<ProblemException>(() => Pools.PathsOf(_id));
            Assert.Equal((ProblemKind.Unavailable, SharedPools.Hangs), (refused.Kind, refused.Code));
            Assert.Equal(SharedPools.Hangs, Assert.Throws<ProblemException>(() => Pools.RequireRoom(_id, "a disk", 1)).Code);
            var shown = PoolHosts.StatusOf(_world.Snapshot, _world.Snapshot.Get(Keys.Pools.Spec, _id)!)!;
            Assert.Equal((false, SharedPools.Hangs), (shown.Available, shown.Failure!.Code));

            // The other pool goes on, and the looks at all pools too.
            Pools.RequireRoom(_own, "a disk", 1);
            Assert.StartsWith(_world.PoolFolder, Pools.PathsOf(_own).Root, StringComparison.Ordinal);
        }

        await UntilFoundAsync(status => status.Available);
        Assert.Equal(_shared, Pools.PathsOf(_id).Root);
        Pools.RequireRoom(_id, "a disk", 1);
    }

    private Task UntilFoundAsync(Func<PoolHostStatus, bool> holds) => _world.UntilAsync(_ => Found is { } status && holds(status), Keys.Pools.OnHost);
}
