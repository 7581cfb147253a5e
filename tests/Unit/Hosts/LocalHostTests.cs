using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Testing.Engine;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Tests.Unit.Hosts;

public sealed class LocalHostTests : IAsyncLifetime
{
    private readonly TestStore _store = TestStore.Create();
    private readonly FakeEngine _engine = new();
    private readonly Cache _cache;

    public LocalHostTests() => _cache = new Cache(_store.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);

    private HostStatus Status => _cache.Snapshot.Get(Keys.Hosts.Status, "id")!.Record;

    public async ValueTask InitializeAsync() => await _cache.StartAsync();

    [Fact]
    public async Task AHostIsKnownBeforeItsEngineAnswers()
    {
        var host = Host();
        await host.RegisterAsync(default);
        Assert.Equal(("server1", 8), (_cache.Snapshot.Get(Keys.Hosts.Spec, "id")!.Record.Name, Status.Cores));
        Assert.Null(host.Capabilities);
        Assert.Null(Status.QemuVersion);
    }

    [Fact]
    public async Task AMissingEngineIsSaidAndComesLater()
    {
        var host = Host();
        await host.RegisterAsync(default);
        _engine.OnProbe = () => throw new VmEngineException(VmEngineFailure.EngineMissing, "qemu-system-x86_64 is not there.", "Install it.");
        Assert.False(await host.AskAsync(_engine, default));
        Assert.Equal(("host.noEngine", "Install it."), (Status.Failure!.Code, Status.Failure.Remedy));
        var waiting = host.WaitForCapabilitiesAsync(default);
        Assert.False(waiting.IsCompleted);

        _engine.OnProbe = null;
        Assert.True(await host.AskAsync(_engine, default));
        Assert.Same(_engine.Capabilities, await waiting);
        Assert.Null(Status.Failure);
        Assert.Equal(_engine.Capabilities.Version, Status.QemuVersion);
    }

    [Fact]
    public async Task NothingNewWritesNothing()
    {
        var host = Host();
        await host.RegisterAsync(default);
        await host.AskAsync(_engine, default);
        long revision = _cache.Revision;
        await host.AskAsync(_engine, default);
        await Host().RegisterAsync(default);
        Assert.Equal(revision, (await _store.Store.GetAsync(Keys.Hosts.Status["id"]))!.ModRevision);
        Assert.Equal(_engine.Capabilities.Version, Status.QemuVersion);
    }

    public async ValueTask DisposeAsync()
    {
        await _cache.DisposeAsync();
        await _store.DisposeAsync();
    }

    private LocalHost Host() => new(
        new HostIdentity { Id = "id", Nonce = "nonce", BootId = "boot" },
        new MachineFacts { Name = "server1", KernelVersion = "6.1", CpuModel = "EPYC", Cores = 8, MemoryMiB = 32768 },
        _store.Store, _cache, TimeProvider.System, "0.1.0", NullLogger<LocalHost>.Instance);
}
