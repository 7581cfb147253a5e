using Xunit;

namespace Lamina.Testing.Server;

/// <summary>One daemon for all tests of a class: <c>class XTests(SharedDaemon shared) : IClassFixture&lt;SharedDaemon&gt;</c>. Tests must not count on being alone.</summary>
public sealed class SharedDaemon : IAsyncLifetime
{
    internal TestDaemon Daemon { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Daemon = await TestDaemon.StartAsync();

    public ValueTask DisposeAsync() => Daemon.DisposeAsync();
}
