using System.Net;
using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Linux.Cgroups;
using Lamina.Server.Auth;
using Lamina.Server.Cluster;
using Lamina.Server.Consoles;
using Lamina.Server.Control;
using Lamina.Server.Copies;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Maintenance;
using Lamina.Server.Memory;
using Lamina.Server.Metrics;
using Lamina.Server.Migration;
using Lamina.Server.Migration.Cold;
using Lamina.Server.Networks;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Projects;
using Lamina.Server.Snapshots;
using Lamina.Server.Store;
using Lamina.Server.Support;
using Lamina.Server.Upgrades;
using Lamina.Server.Vms;

namespace Lamina.Server;

/// <summary>The table of contents: every room, opened in their order by plain constructors. Opening has no effect beyond the data folder.</summary>
internal sealed record Rooms
{
    public required Instance Instance { get; init; }
    public required Configuration Configuration { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILoggerFactory Loggers { get; init; }
    public required LogRing Log { get; init; }

    /// <summary>Fires when the daemon stops.</summary>
    public required CancellationTokenSource Stopping { get; init; }
    public required Cache Cache { get; init; }
    public required Sweeper Sweeper { get; init; }
    public required HostPresence Presence { get; init; }
    public required Leadership Leadership { get; init; }
    public required EventLog Events { get; init; }
    public required ApiServices Services { get; init; }
    public required OperationRuns Runs { get; init; }
    public required OperationExecutor Executor { get; init; }
    public required AuthRoom Auth { get; init; }
    public required LocalHost Host { get; init; }
    public required IVmEngine Engine { get; init; }
    public required OperatingSystemDatabase OperatingSystems { get; init; }
    public required StorageRooms Storage { get; init; }
    public required HostNetworks Networks { get; init; }
    public required VmRooms Vms { get; init; }
    public required MetricRoom Metrics { get; init; }
    public required MemoryRoom Memory { get; init; }
    public required MaintenanceRoom Maintenance { get; init; }
    public required ConsoleEndpoints Consoles { get; init; }
    public required SnapshotRooms Snapshots { get; init; }
    public required CopyRooms Copies { get; init; }
    public required MigrationRooms Migration { get; init; }
    public required ClusterRoom Cluster { get; init; }
    public required UpgradeRoom Upgrades { get; init; }

    /// <param name="options">How the daemon is made.</param>
    /// <param name="restart">By which a room asks that the daemon begin anew.</param>
    /// <param name="opened">Gets whatever is to be closed, also when this fails midway.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<Rooms> OpenAsync(DaemonOptions options, DaemonRestart restart, OpenedParts opened, CancellationToken cancellationToken)
    {
        var time = options.Time;
        var claim = opened.Add(InstanceClaim.Take(options.Instance, options.Registry));
        var instance = claim.Instance;
        var configuration = ConfigurationFiles.Read(instance.ConfigurationDirectory);
        var log = new LogRing(time);
        var loggers = opened.Add(DaemonLog.Create(configuration.Log?.Level, log, options.Log));
        var stopping = opened.Add(new CancellationTokenSource());

        // What the store of a cluster needs before it can be opened: who this host is, and under which keys
        var identity = HostIdentity.Open(instance.DataDirectory);
        var names = configuration.Api?.Names ?? [];
        var membership = options.Store is null ? await ClusterStart.SettleAsync(instance, identity.Id, time, cancellationToken) : null;
        var tls = opened.Add(TlsIdentity.Open(instance.SecretsDirectory, Dns.GetHostName(), time, () => ServerNames.Collect(names), loggers.CreateLogger<TlsIdentity>()));
        var member = membership is null ? null : await ClusterStart.OpenAsync(instance, identity.Id, membership, tls, names, time, loggers, cancellationToken);

        // Store, Control
        var openedStore = opened.Add(options.Store is { } given ? new OpenedStore(given) : await StoreChoice.OpenAsync(instance, member, time, loggers, cancellationToken));
        var store = openedStore.Store;
        var cache = opened.Add(new Cache(store, Keys.Cached, time, loggers.CreateLogger<Cache>()));
        await cache.StartAsync(cancellationToken);
        var sweeper = new Sweeper(time, loggers.CreateLogger<Sweeper>());
        if (!openedStore.IsShared) RegisterBackups(sweeper, instance, time);
        var presence = new HostPresence(store, identity, openedStore.IsShared, time);
        if (openedStore.IsShared) await presence.ClaimAsync(cancellationToken);
        var machine = MachineFacts.Read();
        if (options.HostName is { } name) machine = machine with { Name = name };
        member = await Arriving.CompleteAsync(instance, new ObjectReference { Kind = "host", Id = identity.Id, Name = machine.Name }, member, store, cache, time, cancellationToken);
        var leadership = new Leadership(
            store,
            cache,
            await StoreGeneration.EnsureAsync(store, time, cancellationToken),
            new LeaderRecord { Host = identity.Id, Incarnation = identity.Incarnation },
            time,
            loggers.CreateLogger<Leadership>());

        // Events, Http, Operations
        var events = new EventLog(time, options.HostName ?? Dns.GetHostName());
        var audit = new AuditLog(time);
        var services = new ApiServices
        {
            Store = store,
            Cache = cache,
            Time = time,
            HostId = identity.Id,
            OnCommit = audit.Add,
            ShowOperation = OperationEndpoints.ShowAgain,
            Stopping = stopping.Token,
            FingerprintKey = SecretFile.ReadOrCreate(Path.Combine(instance.SecretsDirectory, "fingerprint.key"), static () => RandomNumberGenerator.GetBytes(32)),
        };
        var runs = new OperationRuns(store, cache, time, loggers.CreateLogger<OperationRuns>(), identity.Id);
        var executor = new OperationExecutor(runs, cache, events, identity.Id, loggers.CreateLogger<OperationExecutor>());
        RetentionRules.Register(sweeper, configuration.Retention, store, cache, time);

        // Auth
        var auth = opened.Add(await AuthRoom.OpenAsync(instance, tls, services, audit, sweeper, loggers, cancellationToken));

        // Projects, Hosts
        await DefaultProject.EnsureAsync(store, cache.Snapshot, time, cancellationToken);
        var host = new LocalHost(identity, machine, store, cache, time, BuildInformation.Version, loggers.CreateLogger<LocalHost>());
        await host.RegisterAsync(cancellationToken);
        var engine = options.Engine ?? QemuOf(configuration.Qemu, instance, time);

        // Pools, OperatingSystems, Images, Isos, Disks
        var systems = new OperatingSystemDatabase(OperatingSystemDatabase.DefaultFolder, loggers.CreateLogger<OperatingSystemDatabase>());
        var storage = opened.Add(await StorageRooms.OpenAsync(
            new StorageParts
            {
                Store = store,
                Leadership = leadership,
                Cache = cache,
                Time = time,
                Events = events,
                Host = new PoolHost(host.Id, host.Name),
                Peers = services.Peers,
                Executor = executor,
                Sweeper = sweeper,
                Loggers = loggers,
                OperatingSystems = systems,
                DefaultPoolFolder = configuration.Pool?.Path ?? instance.DefaultPoolDirectory,
                PrivateFolders = [instance.DataDirectory, instance.ConfigurationDirectory, instance.RunDirectory, instance.LogDirectory],
                CatalogueFolder = Path.Join(instance.ConfigurationDirectory, "catalogue.d"),
                WorkerUserIds = instance.WorkerUserIds,
            },
            cancellationToken));

        // Networks
        var networks = opened.Add(new HostNetworks(instance, host.Id, store, cache, events, time, loggers.CreateLogger<HostNetworks>()));
        await networks.EnsureDefaultAsync(configuration.Network?.Subnet, cancellationToken);
        sweeper.Register("networks", networks.SweepAsync);
        new NetworkDeletion(networks, cache, events).Register(executor);

        // Placement, Vms
        var vms = opened.Add(new VmRooms(new VmParts
        {
            Instance = instance,
            Host = host,
            Store = store,
            Leadership = leadership,
            Cache = cache,
            Time = time,
            Engine = engine,
            Events = events,
            Operations = runs,
            Executor = executor,
            Sweeper = sweeper,
            OperatingSystems = systems,
            Storage = storage,
            Networks = networks,
            Secrets = auth.Secrets,
            Cgroups = CgroupManager.Detect(instance.CgroupName),
            Loggers = loggers,
        }));

        // Metrics
        var metrics = opened.Add(new MetricRoom(new MetricParts
        {
            Instance = instance,
            Host = host,
            Vms = vms.Vms,
            Cache = cache,
            Cgroups = CgroupManager.Detect(instance.CgroupName),
            Sweeper = sweeper,
            Interval = configuration.Metrics?.IntervalSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : MetricRoom.DefaultInterval,
            Time = time,
            Loggers = loggers,
        }));

        // Memory
        var memory = new MemoryRoom(host, vms, metrics.Sampler, store, cache, events, time, loggers);

        // Maintenance
        var ground = new MaintenanceGround { Store = store, Cache = cache, Runs = runs, Events = events, Time = time, Loggers = loggers };
        var maintenance = new MaintenanceRoom(
            ground,
            leadership,
            executor,
            new MaintenanceHost(host.Id, host.Name, identity.BootId, () => [.. vms.Vms.RunningIds]),
            metrics.Sampler,
            options.AskMachine);

        // Cluster
        var cluster = opened.Add(new ClusterRoom(new ClusterParts
        {
            Instance = instance,
            Host = host,
            Sweeper = sweeper,
            Tls = tls,
            Services = services,
            Store = store,
            Cache = cache,
            Leadership = leadership,
            Events = events,
            Time = time,
            Loggers = loggers,
            Restart = restart,
            Names = names,
            Start = member,
        }));

        return new Rooms
        {
            Instance = instance,
            Configuration = configuration,
            Time = time,
            Loggers = loggers,
            Log = log,
            Stopping = stopping,
            Cache = cache,
            Sweeper = sweeper,
            Presence = presence,
            Leadership = leadership,
            Events = events,
            Services = services,
            Runs = runs,
            Executor = executor,
            Auth = auth,
            Host = host,
            Engine = engine,
            OperatingSystems = systems,
            Storage = storage,
            Networks = networks,
            Vms = vms,
            Snapshots = new SnapshotRooms(new SnapshotParts
            {
                Store = store,
                Leadership = leadership,
                Cache = cache,
                Time = time,
                Executor = executor,
                Sweeper = sweeper,
                Storage = storage,
                Vms = vms.Vms,
                Loggers = loggers,
            }),
            Copies = opened.Add(new CopyRooms(new CopyParts
            {
                Store = store,
                Cache = cache,
                Time = time,
                Events = events,
                Executor = executor,
                Sweeper = sweeper,
                Pools = storage.Pools,
                Disks = storage.Disks,
                Workers = storage.Workers,
                Vms = vms.Vms,
                Secrets = auth.Secrets,
            })),
            Migration = new MigrationRooms(
                new MigrationGround
                {
                    Host = vms.Ground,
                    Vms = vms.Vms,
                    Pools = storage.Pools,
                    Disks = storage.Disks,
                    Secrets = auth.Secrets,
                    Copies = storage.Copies,
                    Peers = services.Peers,
                    Arrivals = new ColdArrivals(instance.ArrivalsDirectory, cache, storage.Pools),
                    Sender = new ColdSender(cache, storage.Pools, time),
                },
                executor),
            Metrics = metrics,
            Memory = memory,
            Maintenance = maintenance,
            Cluster = cluster,
            Upgrades = new UpgradeRoom(new UpgradeParts
            {
                Instance = instance,
                Ground = ground,
                Leadership = leadership,
                Executor = executor,
                Peers = services.Peers,
                Restart = restart,
                Cluster = cluster,
                Attached = () => vms.Vms.RunningIds,
                Cgroups = CgroupManager.Detect(instance.CgroupName),
                KeyFile = configuration.Upgrade?.Key,
            }),
            Consoles = new ConsoleEndpoints(vms.Vms.TryGetRunning, cache, time, stopping.Token),
        };
    }

    private static void RegisterBackups(Sweeper sweeper, Instance instance, TimeProvider time)
    {
        var backups = new StoreBackups(instance.BackupDirectory, SqliteStoreFolder.DatabaseIn(instance.StoreDirectory), time);
        sweeper.Register("store backups", async cancellation =>
        {
            await backups.RunAsync(cancellation);
            return SweepReport.Nothing;
        });
    }

    private static QemuEngine QemuOf(QemuConfiguration? configuration, Instance instance, TimeProvider time)
    {
        var options = new QemuEngineOptions { CacheFolder = instance.CacheDirectory };
        if (configuration?.Binary is { } binary) options = options with { Binary = binary };
        return new QemuEngine(options, CgroupManager.Detect(instance.CgroupName), time);
    }
}
