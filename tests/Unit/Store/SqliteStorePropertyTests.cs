using Lamina.Server.Store;
using Lamina.Testing.Store;

namespace Lamina.Tests.Unit.Store;

public sealed class SqliteStorePropertyTests : StoreProperties
{
    private protected override ValueTask<IPropertyStore> CreateAsync() => ValueTask.FromResult<IPropertyStore>(new Sample());

    private sealed class Sample : IPropertyStore
    {
        private readonly TestStore _test = TestStore.Create();

        public IStore Store => _test.Store;

        public Task ReopenAsync() => _test.ReopenAsync();

        public ValueTask DisposeAsync() => _test.DisposeAsync();
    }
}
