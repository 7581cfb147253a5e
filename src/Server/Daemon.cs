using System.Net;
using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Linux.Cgroups;
using Lamina.Server.Auth;
using Lamina.Server.Consoles;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Doctor;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Networks;
using Lamina.Server.Operations;
using Lamina.Server.Projects;
using Lamina.Server.Store;
using Lamina.Server.Vms;

namespace Lamina.Server;

/// <summary>How a daemon is made; tests give their own.</summary>
internal sealed record DaemonOptions
{
    public required InstanceOptions Instance { get; init; }
    public required TimeProvider Time { get; init; }

    /// <summary>Where instances claim their numbers.</summary>
    public string Registry { get; init; } = InstanceClaim.Registry;

    /// <summary>Replaces QEMU.</summary>
    public IVmEngine? Engine { get; init; }

    /// <summary>Replaces where the log goes.</summary>
    public Action<ILoggingBuilder>? Log { get; init; }
}

/// <summary>
/// The table of contents: every room, opened in their order by plain constructors, then its endpoints and its loops. Opening has no effect
/// beyond the data folder; <see cref="StartAsync"/> begins to serve and to act.
/// </summary>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly OpenedParts _parts;
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping;
    private readonly Loops _loops;
    private bool _stopped;

    private Daemon(OpenedParts parts, WebApplication app, CancellationTokenSource stopping, Loops loops)
    {
        _parts = parts;
        _app = app;
        _stopping = stopping;
        _loops = loops;
    }

    /// <summary>For tests.</summary>
    internal required IStore Store { get; init; }

    internal required EventLog Events { get; init; }

    internal required TimeProvider Time { get; init; }

    public required Instance Instance { get; init; }

    public Uri Address => WebHost.AddressOf(_app);

    public required string CaFingerprint { get; init; }

    /// <summary>The first administrator's, when this start made it.</summary>
    public string? FirstPassword { get; init; }

    /// <summary>Faults when a loop that must never end has failed; else completes when the daemon has stopped.</summary>
    public Task Failed => _loops.Ended;

    public static async Task<Daemon> OpenAsync(DaemonOptions options, CancellationToken cancellationToken = default)
    {
        var opened = new OpenedParts();
        try
        {
            return await OpenAsync(options, opened, cancellationToken);
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Serves and acts. Returns when the API answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await WebHost.StartAsync(_app, cancellationToken);
        LocalSocket.Admit(Instance.LocalSocket);
        _loops.Start();
        var change = new StoreChange("daemon.start");
        Events.Add(change, new EventDraft { Kind = "daemon.started", Message = $"laminad {BuildInformation.Version} has started." });
        await change.CommitAsync(Store, Time, cancellationToken);
    }

    /// <summary>Stops serving and acting. Guests run on: nothing here touches them.</summary>
    public async Task StopAsync()
    {
        if (_stopped) return;
        _stopped = true;
        await _stopping.CancelAsync();
        await _loops.StopAsync();
        await _app.StopAsync(CancellationToken.None);
    }

    /// <summary>The API's description as JSON.</summary>
    public Task<string> DescribeApiAsync() => OpenApiDescription.WriteAsync(_app.Services);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _parts.DisposeAsync();
    }

    private static async Task<Daemon> OpenAsync(DaemonOptions options, OpenedParts opened, CancellationToken cancellationToken)
    {
        var time = options.Time;
        var claim = opened.Add(InstanceClaim.Take(options.Instance, options.Registry));
        var instance = claim.Instance;
        var configuration = ConfigurationFiles.Read(instance.ConfigurationDirectory);
        var loggers = opened.Add(DaemonLog.Create(configuration.Log?.Level, options.Log));
        var stopping = opened.Add(new CancellationTokenSource());

        // Store, Control
        var store = opened.Add(SqliteStore.Open(instance.StoreDirectory, time, loggers.CreateLogger<SqliteStore>()));
        var cache = opened.Add(new Cache(store, Keys.Cached, time, loggers.CreateLogger<Cache>()));
        await cache.StartAsync(cancellationToken);
        var sweeper = new Sweeper(time, loggers.CreateLogger<Sweeper>());
        var backups = new StoreBackups(instance.BackupDirectory, SqliteStoreFolder.DatabaseIn(instance.StoreDirectory), time);
        sweeper.Register("store backups", async cancellation =>
        {
            await backups.RunAsync(cancellation);
            return SweepReport.Nothing;
        });
        var identity = HostIdentity.Open(instance.DataDirectory);
        var term = await Term.BeginAsync(store, time, identity.Id, identity.Incarnation, cancellationToken);

        // Events, Http, Operations
        var events = new EventLog(time, Dns.GetHostName());
        var audit = new AuditLog(time);
        var services = new ApiServices
        {
            Store = store,
            Cache = cache,
            Time = time,
            OnCommit = audit.Add,
            ShowOperation = OperationEndpoints.ShowAgain,
            Stopping = stopping.Token,
            FingerprintKey = SecretFile.ReadOrCreate(Path.Combine(instance.SecretsDirectory, "fingerprint.key"), static () => RandomNumberGenerator.GetBytes(32)),
        };
        var runs = new OperationRuns(store, cache, time, loggers.CreateLogger<OperationRuns>());
        var executor = new OperationExecutor(runs, cache, events, identity.Id, loggers.CreateLogger<OperationExecutor>());
        RetentionRules.Register(sweeper, configuration.Retention, store, cache, time);

        // Auth
        var auth = opened.Add(await AuthRoom.OpenAsync(instance, configuration.Api?.Names ?? [], services, audit, sweeper, loggers, cancellationToken));

        // Projects, Hosts
        await DefaultProject.EnsureAsync(store, cache.Snapshot, time, cancellationToken);
        var host = new LocalHost(identity, MachineFacts.Read(), store, cache, time, BuildInformation.Version, loggers.CreateLogger<LocalHost>());
        await host.RegisterAsync(cancellationToken);
        var engine = options.Engine ?? QemuOf(configuration.Qemu, instance, time);

        // Pools, Images, Isos, Disks
        var storage = opened.Add(await StorageRooms.OpenAsync(
            new StorageParts
            {
                Store = store,
                Term = term,
                Cache = cache,
                Time = time,
                Events = events,
                Executor = executor,
                Sweeper = sweeper,
                Loggers = loggers,
                DefaultPoolFolder = configuration.Pool?.Path ?? instance.DefaultPoolDirectory,
                WorkerUserIds = instance.WorkerUserIds,
            },
            cancellationToken));

        // Networks
        var networks = opened.Add(new HostNetworks(instance, store, cache, events, time, loggers.CreateLogger<HostNetworks>()));
        await networks.EnsureDefaultAsync(configuration.Network?.Subnet, cancellationToken);
        sweeper.Register("networks", networks.SweepAsync);

        // Placement, Vms
        var vms = opened.Add(new VmRooms(new VmParts
        {
            Instance = instance,
            Host = host,
            Store = store,
            Term = term,
            Cache = cache,
            Time = time,
            Engine = engine,
            Events = events,
            Operations = runs,
            Executor = executor,
            Sweeper = sweeper,
            Storage = storage,
            Networks = networks,
            Secrets = auth.Secrets,
            Cgroups = CgroupManager.Detect(instance.CgroupName),
            Loggers = loggers,
        }));

        // Consoles
        var consoles = new ConsoleEndpoints(vms.Vms.TryGetRunning, cache, time, stopping.Token);

        // Endpoints
        var app = opened.Add(WebHost.Build(loggers, kestrel =>
        {
            foreach (var address in WebHost.AddressesOf(configuration.Api, instance)) auth.Listen(kestrel, address);
            LocalSocket.Listen(kestrel, instance.LocalSocket);
        }));
        var problems = new ProblemMiddleware(time, loggers.CreateLogger<ProblemMiddleware>());
        app.Use(next => http => problems.InvokeAsync(http, next));
        app.UseResponseCompression();
        ConsoleSockets.Use(app);
        app.Use(next => http => auth.Authentication.InvokeAsync(http, next));
        app.UseRouting();
        var api = new ApiRoutes(app, new ApiDispatcher(services));
        ServerEndpoints.Map(api, instance, cache, auth.Tls.CaFingerprint);
        new WatchEndpoint(services, [OperationEndpoints.Watch, ProjectEndpoints.Watch, HostEndpoints.Watch, VmViews.Watch, .. StorageRooms.Watches]).Map(api);
        new EventEndpoints(services).Map(api);
        new OperationEndpoints(services).Map(api);
        auth.Map(api);
        ProjectEndpoints.Map(api);
        HostEndpoints.Map(api);
        storage.Map(api);
        NetworkEndpoints.Map(api);
        vms.Map(api);
        consoles.Map(api);
        DoctorEndpoints.Map(api, new DoctorCollector(host, auth.Tls, cache, sweeper, time));
        OpenApiDescription.Map(app);
        // Now and not at the start, so that the API can be described without one.
        app.UseEndpoints(static _ => { });

        // Loops
        var loops = opened.Add(new Loops(time, loggers.CreateLogger<Loops>()));
        loops.Add("sweeper", sweeper.RunAsync);
        loops.Add("cancelled operations", runs.RunAsync);
        loops.Add("operations", executor.RunAsync);
        loops.Add("certificates", auth.Tls.RunAsync);
        loops.Add("host", stopping => host.RunAsync(engine, stopping));
        storage.Add(loops);
        loops.Add("networks", networks.RunAsync);
        vms.Add(loops);
        return new Daemon(opened, app, stopping, loops)
        {
            Instance = instance,
            Store = store,
            Events = events,
            Time = time,
            CaFingerprint = auth.Tls.CaFingerprint,
            FirstPassword = auth.FirstPassword,
        };
    }

    private static QemuEngine QemuOf(QemuConfiguration? configuration, Instance instance, TimeProvider time)
    {
        var options = new QemuEngineOptions { CacheFolder = instance.CacheDirectory };
        if (configuration?.Binary is { } binary) options = options with { Binary = binary };
        return new QemuEngine(options, CgroupManager.Detect(instance.CgroupName), time);
    }
}
