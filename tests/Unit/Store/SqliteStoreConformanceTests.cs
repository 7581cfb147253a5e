using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Store;

public sealed class SqliteStoreConformanceTests : StoreConformance
{
    private readonly FakeTimeProvider _time = new();
    private TestStore? _test;

    private protected override ValueTask<IStore> OpenAsync()
    {
        _test = TestStore.Create(_time);
        return ValueTask.FromResult<IStore>(_test.Store);
    }

    private protected override ValueTask CloseAsync() => _test!.DisposeAsync();

    private protected override ValueTask AdvanceAsync(TimeSpan time)
    {
        _time.Advance(time);
        return ValueTask.CompletedTask;
    }
}
