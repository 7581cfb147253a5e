using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Lamina.Testing.Store;
using Lamina.Tests.Unit.Store;

namespace Lamina.Tests.Integration.Store;

/// <summary>The same promises as those of the store of one host, by a real etcd.</summary>
public sealed class EtcdStoreConformanceTests(SharedEtcd etcd) : StoreConformance, IClassFixture<SharedEtcd>
{
    private EtcdStore? _store;

    private protected override async ValueTask<IStore> OpenAsync() => _store = await EtcdStore.OpenAsync(etcd.Server.NewAccess, TimeProvider.System);

    private protected override ValueTask CloseAsync() => _store!.DisposeAsync();

    /// <summary>The leases are etcd's, and so is their clock.</summary>
    private protected override async ValueTask AdvanceAsync(TimeSpan time) => await Task.Delay(time);
}

public sealed class EtcdStorePropertyTests(SharedEtcd etcd) : StoreProperties, IClassFixture<SharedEtcd>
{
    private protected override async ValueTask<IPropertyStore> CreateAsync()
    {
        var access = etcd.Server.NewAccess;
        return new Sample(access, await EtcdStore.OpenAsync(access, TimeProvider.System));
    }

    private sealed class Sample(EtcdAccess access, EtcdStore store) : IPropertyStore
    {
        public IStore Store { get; private set; } = store;

        public async Task ReopenAsync()
        {
            await Store.DisposeAsync();
            Store = await EtcdStore.OpenAsync(access, TimeProvider.System);
        }

        public ValueTask DisposeAsync() => Store.DisposeAsync();
    }
}

/// <summary>One etcd for the tests of a class; each has a store of its own in it.</summary>
public sealed class SharedEtcd : IAsyncLifetime
{
    internal EtcdServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await EtcdServer.StartAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
