using System.Net;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Engine;
using Lamina.Server;
using Lamina.Server.Auth;
using Lamina.Server.Consoles;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Testing;
using Lamina.Testing.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Tests.Integration.Consoles;

/// <summary>The API with the rooms that consoles need, over TLS on a free port, and VMs that a test names.</summary>
internal sealed class ConsoleServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestStore _store = TestStore.Create();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, IVm> _running = [];
    private readonly Sweeper _sweeper = new(TimeProvider.System, NullLogger<Sweeper>.Instance);
    private readonly Cache _cache;
    private AuthRoom? _auth;
    private TlsIdentity? _tls;
    private WebApplication? _app;

    private ConsoleServer() => _cache = new Cache(_store.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);

    /// <summary>As the administrator.</summary>
    public LaminaClient Client { get; private set; } = null!;

    public LaminaClientOptions Options { get; private set; } = null!;

    public static async Task<ConsoleServer> StartAsync(CancellationToken cancellationToken)
    {
        var server = new ConsoleServer();
        await server._cache.StartAsync(cancellationToken);
        await server.ServeAsync(cancellationToken);
        return server;
    }

    /// <summary>Makes a VM known, and running when one is given.</summary>
    public async Task AddAsync(string id, string name, IVm? vm, string project = ProjectRecord.DefaultProject)
    {
        if (vm is not null) _running[id] = vm;
        var spec = new VmSpec
        {
            Name = name,
            Project = project,
            Cpus = 1,
            MemoryMiB = 64,
            Machine = new VmMachine { Type = "pc-q35-7.2", CpuModel = "Westmere-v1", MaxCpus = 1 },
        };
        var commit = await new StoreChange("vm.create")
            .Create(Keys.Vms.Spec, id, spec)
            .Create(Keys.Names, Keys.NameId(project, "vm", name), new Claim { Owner = id })
            .CommitAsync(_store.Store, TimeProvider.System);
        Assert.True(await _cache.WaitForRevisionAsync(commit.Revision, TimeSpan.FromSeconds(10)));
    }

    public void Stop() => _stopping.Cancel();

    /// <summary>A client with the token of a new user of this role.</summary>
    public async Task<LaminaClient> LogInAsync(string user, Role role, CancellationToken cancellationToken)
    {
        const string password = "correct horse battery";
        await Client.Users.CreateAsync(new UserCreate { Name = user, Password = password, Role = role }, cancellationToken);
        var session = await Client.Sessions.CreateAsync(new SessionCreate { User = user, Password = password }, cancellationToken);
        return new LaminaClient(Options with { Token = session.Token });
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Client.Dispose();
        if (_app is not null) await _app.DisposeAsync();
        _auth?.Dispose();
        _tls?.Dispose();
        await _cache.DisposeAsync();
        await _store.DisposeAsync();
        _sweeper.Dispose();
        _stopping.Dispose();
        _folder.Dispose();
    }

    private async Task ServeAsync(CancellationToken cancellationToken)
    {
        var audit = new AuditLog(TimeProvider.System);
        var services = new ApiServices { Store = _store.Store, Cache = _cache, Time = TimeProvider.System, OnCommit = audit.Add };
        var instance = InstanceClaim.Derive(new InstanceOptions { DataDirectory = _folder.File("d"), RunDirectory = _folder.File("r") });
        _tls = TlsIdentity.Open(instance.SecretsDirectory, "test", TimeProvider.System, () => ServerNames.Collect([]), NullLogger<TlsIdentity>.Instance);
        _auth = await AuthRoom.OpenAsync(instance, _tls, services, audit, _sweeper, NullLoggerFactory.Instance, cancellationToken);
        _app = WebHost.Build(NullLoggerFactory.Instance, kestrel => _auth.Listen(kestrel, new IPEndPoint(IPAddress.Loopback, 0)));
        var problems = new ProblemMiddleware(TimeProvider.System, NullLogger<ProblemMiddleware>.Instance);
        _app.Use(next => http => problems.InvokeAsync(http, next));
        ConsoleSockets.Use(_app);
        _app.Use(next => http => _auth.Authentication.InvokeAsync(http, next));
        _app.UseRouting();
        var api = new ApiRoutes(_app, new ApiDispatcher(services));
        _auth.Map(api);
        new ConsoleEndpoints(id => _running.GetValueOrDefault(id), _cache, TimeProvider.System, _stopping.Token).Map(api);
        _app.UseEndpoints(static _ => { });
        await _app.StartAsync(cancellationToken);
        string address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Options = new LaminaClientOptions { Address = new Uri(address), CaPem = _auth.Tls.CaPem };
        using var anonymous = new LaminaClient(Options);
        var session = await anonymous.Sessions.CreateAsync(new SessionCreate { User = FirstAdmin.Name, Password = _auth.FirstPassword! }, cancellationToken);
        Options = Options with { Token = session.Token };
        Client = new LaminaClient(Options);
    }
}
