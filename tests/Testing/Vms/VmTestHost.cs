using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Server;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Copies;
using Lamina.Server.Disks;
using Lamina.Server.Images;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Isos;
using Lamina.Server.Maintenance;
using Lamina.Server.Migration;
using Lamina.Server.Migration.Cold;
using Lamina.Server.Networks;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Snapshots;
using Lamina.Server.Store;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Recovery;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing.Vms;

/// <summary>
/// A host that runs VMs, without HTTP: a real store, cache, controller and runners, over whatever engine a test brings. The daemon can be ended and
/// started anew; store, pool and engine stay.
/// </summary>
internal sealed class VmTestHost : IAsyncDisposable
{
    public const string HostId = "host-1";
    public const string SecondHostId = "host-2";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly TestStore _store;
    private readonly VmTestHost? _beside;
    private readonly IVmEngine _engine;
    private readonly SecretBox _secrets;
    private TestDaemon _daemon = null!;
    private bool _hasEnded;

    private VmTestHost(IVmEngine engine, VmTestHost? beside)
    {
        _engine = engine;
        _beside = beside;
        _store = beside?._store ?? TestStore.Create();
        _secrets = SecretBox.Open((beside ?? this)._folder.File("box.key"));
        Id = beside is null ? HostId : SecondHostId;
        Instance = new Instance
        {
            Name = beside is null ? "test" : "test2",
            Number = beside is null ? 54 : 55,
            ConfigurationDirectory = _folder.File("etc"),
            DataDirectory = _folder.File("data"),
            RunDirectory = _folder.File("run"),
            LogDirectory = _folder.File("log"),
        };
    }

    public Instance Instance { get; }

    public string Id { get; }

    public HostVms Vms => _daemon.Vms;

    public Cache Cache => _daemon.Cache;

    public IStore Store => _store.Store;

    /// <summary>The store as the present daemon has it.</summary>
    public MortalStore DaemonStore => _daemon.Store;

    public static async Task<VmTestHost> CreateAsync(IVmEngine engine, string bootId = "boot-1", Func<IStore, MortalStore>? mortal = null)
    {
        var host = new VmTestHost(engine, null);
        await host.StartDaemonAsync(bootId, mortal);
        return host;
    }

    /// <summary>A second host in the cluster of this one: the same store, secrets and pools, and an engine of its own.</summary>
    public async Task<VmTestHost> AddAsync(IVmEngine engine, Func<IStore, MortalStore>? mortal = null)
    {
        var host = new VmTestHost(engine, this);
        await ShareAsync(host.Id);
        await host.StartDaemonAsync("boot-1", mortal);
        return host;
    }

    /// <summary>From now on the pools are those of both hosts, as each would find by looking.</summary>
    private async Task ShareAsync(string otherHost)
    {
        var change = new StoreChange("test.share");
        foreach (var pool in Cache.Snapshot.All(Keys.Pools.Spec))
        {
            change.Update(Keys.Pools.Spec, pool.Id, pool.Record with { Scope = PoolScope.Shared, Host = null }, pool.ModRevision);
            foreach (string host in (string[])[Id, otherHost]) change.Put(Keys.Pools.OnHost, Keys.Pools.OnHostId(pool.Id, host), new PoolHostStatus { Available = true, Nonce = host });
        }

        await CommitAsync(change);
    }

    /// <summary>Makes a VM that runs on a host of the test's choice.</summary>
    public async Task<string> LaunchOnAsync(VmTestHost there, VmCreate create)
    {
        var (id, operation) = await CreateVmAsync(create with { Start = false });
        await EndOfAsync(operation);
        if (Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Host != there.Id)
        {
            var here = Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Host == Id ? this : there;
            await there.EndOfAsync(await here.MigrateAsync(id, there));
        }

        var started = await there.EndOfAsync(await there.AskAsync(id, VmOperations.Start, PowerWanted.Running));
        return started.Phase == OperationPhase.Succeeded ? id : throw new InvalidOperationException($"The VM did not start: {started.Failure}");
    }

    /// <summary>Codes of what stands in the way of a migration.</summary>
    public IReadOnlyList<string> Blockers(string id, VmTestHost to) =>
        [.. Migrations.Forecast(Cache.Snapshot, Cache.Snapshot.Get(Keys.Vms.Spec, id)!, new MigrationRequest { To = to.Id }).Blockers.Select(blocker => blocker.Code)];

    /// <summary>Asks for a migration as the API does. Gives its operation.</summary>
    public async Task<string> MigrateAsync(string id, VmTestHost to, Func<MigrationRequest, MigrationRequest>? change = null)
    {
        await Cache.WaitForRevisionAsync(to.Cache.Revision, Patience);
        while (true)
        {
            var snapshot = Cache.Snapshot;
            var vm = snapshot.Get(Keys.Vms.Spec, id)!;
            var request = new MigrationRequest { To = to.Id };
            request = change?.Invoke(request) ?? request;
            if (Migrations.Forecast(snapshot, vm, request).Blockers is { Count: > 0 } blockers) throw new InvalidOperationException(string.Join(' ', blockers.Select(blocker => blocker.Message)));
            var prepared = new StoreChange(Migrations.Operation);
            string operation = Migrations.Prepare(prepared, new OperationRequests(TimeProvider.System), snapshot, vm, request, "test", DateTimeOffset.UnixEpoch).Id;
            if (await TryCommitAsync(prepared)) return operation;
        }
    }

    /// <summary>Codes of what stands in the way of a takeover from a host.</summary>
    public IReadOnlyList<string> TakeoverBlockers(string id, VmTestHost from, bool isSaid) =>
        [.. Takeovers.Decide(Cache.Snapshot, Cache.Snapshot.Get(Keys.Vms.Spec, id)!, new TakeoverRequest { From = from.Id, IsSaid = isSaid, RequestedBy = "test" }).Blockers.Select(blocker => blocker.Code)];

    /// <summary>Takes a VM over from a host that is dead, on the test's word, as the API does. Gives the operation.</summary>
    public async Task<string> TakeOverAsync(string id, VmTestHost from)
    {
        while (true)
        {
            var snapshot = Cache.Snapshot;
            var vm = snapshot.Get(Keys.Vms.Spec, id)!;
            var request = new TakeoverRequest { From = from.Id, IsSaid = true, RequestedBy = "test" };
            var decision = Takeovers.Decide(snapshot, vm, request);
            if (decision.Blockers is { Count: > 0 } blockers) throw new InvalidOperationException(string.Join(' ', blockers.Select(blocker => blocker.Message)));
            var change = new StoreChange(VmOperations.TakeOver);
            string operation = new TakeoverChange(new OperationRequests(TimeProvider.System), new EventLog(TimeProvider.System, Id), TimeProvider.System).Prepare(change, snapshot, vm, request, decision).Id;
            if (await TryCommitAsync(change)) return operation;
        }
    }

    /// <summary>Writes a record as whoever owns it would.</summary>
    public Task WriteAsync(Action<StoreChange> records)
    {
        var change = new StoreChange("test.write");
        records(change);
        return CommitAsync(change);
    }

    /// <summary>What the machine was asked for: nothing is done.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<HostPowerAction> AskedOfMachine { get; } = new();

    /// <summary>Asks for the emptying or the filling of a host as the API does.</summary>
    public async Task<string> AskHostAsync(string kind, VmTestHost host, JsonObject? parameters = null)
    {
        while (true)
        {
            var spec = Cache.Snapshot.Get(Keys.Hosts.Spec, host.Id)!;
            var change = new StoreChange(kind);
            string operation = Ask(change, kind, host.Id, spec.Record.Name, parameters, "host");
            bool closes = kind is EvacuationJob.Enter or EvacuationJob.Reboot or EvacuationJob.Shutdown;
            var maintenance = closes ? new HostMaintenance { Since = DateTimeOffset.UnixEpoch, Operation = operation } : null;
            change.Update(Keys.Hosts.Spec, host.Id, spec.Record with { Maintenance = maintenance }, spec.ModRevision);
            if (await TryCommitAsync(change)) return operation;
        }
    }

    /// <summary>Looks once whether the load of hosts is to be evened out, as the leader does each minute; this host leads.</summary>
    /// <returns>How many moves were begun.</returns>
    public Task<int> BalanceAsync() =>
        new Balancer(_daemon.Maintenance, _daemon.Leadership.Term ?? throw new InvalidOperationException($"{Id} does not lead")).BalanceAsync(CancellationToken.None);

    /// <summary>Ends the daemon as a crash would as far as anybody can see: its runners are dropped, whatever they are at.</summary>
    public async Task RestartDaemonAsync(string bootId = "boot-1")
    {
        await StopDaemonAsync();
        await StartDaemonAsync(bootId);
    }

    /// <summary>Once ended it may stay so: the host is dead then, as far as the test is concerned.</summary>
    public async Task StopDaemonAsync()
    {
        if (_hasEnded) return;
        _hasEnded = true;
        var ending = _daemon.DisposeAsync();
        _daemon.Store.Bury();
        await ending;
    }

    public async Task StartDaemonAsync(string bootId = "boot-1", Func<IStore, MortalStore>? mortal = null)
    {
        // The fake makes no folders, and by them a daemon finds what runs.
        foreach (string folder in (_engine as FakeEngine)?.Guests.Select(guest => guest.Definition.RuntimeFolder) ?? []) Directory.CreateDirectory(folder);
        _hasEnded = false;
        _daemon = await TestDaemon.StartAsync(this, bootId, mortal?.Invoke(Store) ?? new MortalStore(Store));
    }

    /// <summary>Makes a VM as the API does. Gives its id and operation.</summary>
    public async Task<(string Id, string Operation)> CreateVmAsync(VmCreate create)
    {
        var draft = VmRules.Create(create, new VmLookups(Cache.Snapshot, ProjectRecord.DefaultProject), DateTimeOffset.UnixEpoch);
        var change = new StoreChange(VmOperations.Create);
        var operation = Ask(change, VmOperations.Create, draft.Id, draft.Spec.Name, null);
        var power = new VmPower { Wanted = create.Start ? PowerWanted.Running : PowerWanted.Stopped, Request = operation };
        VmRecords.Create(change, draft with { Spec = draft.Spec with { Power = power } }, Cache.Snapshot);
        if (draft.Spec.CloudInit is { } cloudInit)
        {
            byte[] plain = RecordJson.Write(new CloudInitSecret { UserData = "#cloud-config\n" }, ApiJson.Default.CloudInitSecret);
            change.Create(Keys.Secrets, cloudInit.Secret, new SecretRecord { Owner = draft.Id, Sealed = _secrets.Seal(cloudInit.Secret, plain) });
        }

        await CommitAsync(change);
        return (draft.Id, operation);
    }

    /// <summary>Makes a VM and waits until it runs.</summary>
    public async Task<string> LaunchAsync(VmCreate create)
    {
        var (id, operation) = await CreateVmAsync(create with { Start = true });
        var ended = await EndOfAsync(operation);
        if (ended.Phase != OperationPhase.Succeeded) throw new InvalidOperationException($"The VM did not start: {ended.Failure}");
        return id;
    }

    /// <summary>Asks for a power state as the API does, whatever the state is.</summary>
    public async Task<string> AskAsync(string id, string kind, PowerWanted wanted, JsonObject? parameters = null, string? host = null)
    {
        while (true)
        {
            var vm = Cache.Snapshot.Get(Keys.Vms.Spec, id)!;
            var change = new StoreChange(kind);
            string operation = Ask(change, kind, id, vm.Record.Name, parameters, host: host);
            change.Update(Keys.Vms.Spec, id, vm.Record with { Power = new VmPower { Wanted = wanted, Request = operation } }, vm.ModRevision);
            if (await TryCommitAsync(change)) return operation;
        }
    }

    public async Task<string> ResetAsync(string id)
    {
        var change = new StoreChange(VmOperations.Reset);
        string operation = Ask(change, VmOperations.Reset, id, Cache.Snapshot.Get(Keys.Vms.Spec, id)!.Record.Name, null);
        await CommitAsync(change);
        return operation;
    }

    public async Task<string> DeleteAsync(string id)
    {
        while (true)
        {
            var vm = Cache.Snapshot.Get(Keys.Vms.Spec, id)!;
            var change = new StoreChange(VmOperations.Delete);
            string operation = Ask(change, VmOperations.Delete, id, vm.Record.Name, null);
            change.Update(Keys.Vms.Spec, id, vm.Record with { Deleting = operation }, vm.ModRevision);
            if (await TryCommitAsync(change)) return operation;
        }
    }

    /// <summary>Changes devices or sizes as the API does: the spec and the operation in one commit.</summary>
    public async Task<string> AskChangeAsync(string id, Func<VmSpec, VmSpec> how, string path, bool force = false, Action<StoreChange>? records = null, Action<StoreChange>? prepare = null)
    {
        while (true)
        {
            var vm = Cache.Snapshot.Get(Keys.Vms.Spec, id)!;
            var change = new StoreChange(VmOperations.Change);
            var parameters = new JsonObject { [VmWantedReader.PathsParameter] = new JsonArray(path), [VmWantedReader.ForceParameter] = force };
            string operation = Ask(change, VmOperations.Change, id, vm.Record.Name, parameters);
            prepare?.Invoke(change);
            change.Update(Keys.Vms.Spec, id, how(vm.Record), vm.ModRevision);
            records?.Invoke(change);
            if (await TryCommitAsync(change)) return operation;
        }
    }

    /// <summary>Makes the records of a disk that belongs to the VM already, as an addition does.</summary>
    public VmDisk NewDisk(string vmId, int slot, StoreChange change, long sizeBytes = 1 << 20)
    {
        string id = Guid.CreateVersion7().ToString();
        var pool = Cache.Snapshot.All(Keys.Pools.Spec).Single();
        change.Create(Keys.Disks.Spec, id, new DiskSpec { Name = $"added-{id[^8..]}", Pool = pool.Id, SizeBytes = sizeBytes, Vm = vmId });
        return new VmDisk { Slot = slot, Disk = id };
    }

    /// <summary>Takes a snapshot as the API does. Gives its id and operation.</summary>
    public async Task<(string Id, string Operation)> SnapshotAsync(string vmId, string name, bool withMemory, bool? quiesce = null)
    {
        var vm = Cache.Snapshot.Get(Keys.Vms.Spec, vmId)!;
        string id = Guid.CreateVersion7().ToString();
        var change = new StoreChange(HostSnapshots.Create);
        string operation = Ask(change, HostSnapshots.Create, id, name, null, "snapshot");
        change.Create(Keys.Snapshots.Spec, id, new SnapshotSpec { Name = name, Vm = vmId, WithMemory = withMemory, Quiesce = quiesce, Hardware = vm.Record, Making = operation });
        await CommitAsync(change);
        return (id, operation);
    }

    /// <summary>Asks for the restore or the deletion of a snapshot, or for the suspension of a VM.</summary>
    public async Task<string> JobAsync(string kind, string targetId)
    {
        var change = new StoreChange(kind);
        string operation = Ask(change, kind, targetId, targetId, new JsonObject { ["vm"] = Cache.Snapshot.Get(Keys.Snapshots.Spec, targetId)?.Record.Vm }, kind == HostSnapshots.Suspend ? "vm" : "snapshot");
        await CommitAsync(change);
        return operation;
    }

    /// <summary>Makes a second pool. Gives its id.</summary>
    public async Task<string> AddPoolAsync(string name)
    {
        string id = Guid.CreateVersion7().ToString();
        HostPools.MakeFolders(new PoolPaths(_folder.File(name)));
        await CommitAsync(new StoreChange("test.pool").Create(Keys.Pools.Spec, id, new PoolSpec { Name = name, Path = _folder.File(name) }));
        return id;
    }

    public async Task<string> MoveAsync(string diskId, string pool)
    {
        var change = new StoreChange(DiskMoves.Kind);
        var disk = Cache.Snapshot.Get(Keys.Disks.Spec, diskId)!.Record;
        var parameters = new JsonObject { [DiskMoves.FromParameter] = disk.Pool, [DiskMoves.ToParameter] = pool };
        string operation = Ask(change, DiskMoves.Kind, diskId, disk.Name, parameters, "disk");
        await CommitAsync(change);
        return operation;
    }

    /// <summary>Forgets what was recorded of the VM's state, as a store restored from an old backup would.</summary>
    public async Task LoseStatusAsync(string id) =>
        await new StoreChange("test.lose").Delete(Keys.Vms.Status[id]).CommitAsync(Store, TimeProvider.System);

    public async Task CancelAsync(string operation)
    {
        var request = Cache.Snapshot.Get(Keys.Operations.Request, operation)!;
        await CommitAsync(new StoreChange("test.cancel").Update(Keys.Operations.Request, operation, request.Record with { CancelRequested = true }, request.ModRevision));
    }

    public Task<OperationState> EndOfAsync(string operation) => WaitAsync(
        [Keys.Operations.State],
        snapshot => snapshot.Get(Keys.Operations.State, operation)?.Record is { } state && state.IsEnded() ? state : null,
        () => $"operation {operation} to end; it is {Cache.Snapshot.Get(Keys.Operations.State, operation)?.Record}, the VM {Cache.Snapshot.All(Keys.Vms.Status).LastOrDefault()?.Record}");

    /// <summary>As <see cref="EndOfAsync"/>; when the daemon dies meanwhile, another one is started.</summary>
    public async Task<OperationState> EndDespiteDeathAsync(string operation)
    {
        var ending = EndOfAsync(operation);
        if (await Task.WhenAny(ending, DaemonStore.Died) == ending) return await ending;
        await RestartDaemonAsync();
        return await EndOfAsync(operation);
    }

    public Task<VmStatus> StatusAsync(string id, Func<VmStatus, bool> wanted) => WaitAsync(
        [Keys.Vms.Status],
        snapshot => snapshot.Get(Keys.Vms.Status, id)?.Record is { } status && wanted(status) ? status : null,
        () => $"another status than {Cache.Snapshot.Get(Keys.Vms.Status, id)?.Record}");

    public Task<VmStatus> StateAsync(string id, VmState state) => StatusAsync(id, status => status.State == state);

    /// <summary>Events of one VM, oldest first.</summary>
    public async Task<IReadOnlyList<Event>> EventsAsync(string id)
    {
        var events = new List<Event>();
        await foreach (var page in Store.ListAsync([Keys.Events.Prefix]))
            events.AddRange(page.Items.Select(item => RecordJson.Read(item, Keys.Events)).Where(happened => happened.Target?.Id == id));
        return events;
    }

    public async ValueTask DisposeAsync()
    {
        await StopDaemonAsync();
        _secrets.Dispose();
        if (_beside is null) await _store.DisposeAsync();
        _folder.Dispose();
    }

    private Task AskMachineAsync(HostPowerAction action, CancellationToken cancellationToken)
    {
        AskedOfMachine.Enqueue(action);
        return Task.CompletedTask;
    }

    private string Ask(StoreChange change, string kind, string id, string name, JsonObject? parameters, string noun = "vm", string? host = null) =>
        new OperationRequests(TimeProvider.System).Add(change, new OperationDraft
        {
            Kind = kind,
            Target = new ObjectReference { Kind = noun, Id = id, Name = name },
            RequestedBy = "test",
            Host = host ?? Id,
            Parameters = parameters,
        }).Id;

    private async Task CommitAsync(StoreChange change)
    {
        if (!await TryCommitAsync(change)) throw new InvalidOperationException($"The change {change.Label} was refused.");
    }

    private async Task<bool> TryCommitAsync(StoreChange change)
    {
        var result = await change.CommitAsync(Store, TimeProvider.System);
        await Cache.WaitForRevisionAsync(result.Revision, Patience);
        return result.Succeeded;
    }

    public Task WaitForAsync(RecordKind[] kinds, Func<CacheSnapshot, bool> wanted) =>
        WaitAsync(kinds, snapshot => wanted(snapshot) ? snapshot : null, () => "the records to be as wanted");

    private async Task<T> WaitAsync<T>(RecordKind[] kinds, Func<CacheSnapshot, T?> found, Func<string> what)
        where T : class
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var subscription = Cache.Subscribe(kinds);
        if (found(subscription.Start) is { } already) return already;
        try
        {
            await foreach (var batch in subscription.ReadAllAsync(deadline.Token))
            {
                if (found(batch.Snapshot) is { } later) return later;
            }
        }
        catch (OperationCanceledException)
        {
            // Said below.
        }

        throw new TimeoutException($"Waited in vain for {what()}.");
    }

    /// <summary>What ends with the daemon.</summary>
    private sealed class TestDaemon : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly List<Task> _loops = [];

        public required MortalStore Store { get; init; }
        public required Cache Cache { get; init; }
        public required HostVms Vms { get; init; }
        public required HostNetworks Networks { get; init; }
        public required HostPools Pools { get; init; }
        public required Leadership Leadership { get; init; }
        public required MaintenanceGround Maintenance { get; init; }

        public static async Task<TestDaemon> StartAsync(VmTestHost host, string bootId, MortalStore store)
        {
            var time = TimeProvider.System;
            var cache = new Cache(store, Keys.Cached, time, NullLogger<Cache>.Instance);
            await cache.StartAsync();
            await RegisterHostAsync(host, cache, bootId);
            var leadership = new Leadership(
                host.Store,
                cache,
                await StoreGeneration.EnsureAsync(host.Store, time),
                new LeaderRecord { Host = host.Id, Incarnation = bootId },
                time,
                NullLogger<Leadership>.Instance);
            var events = new EventLog(time, host.Id);
            var pools = new HostPools(host.Store, cache, new PoolHost(host.Id, host.Id), events, time, NullLogger<HostPools>.Instance);
            await pools.EnsureDefaultAsync(host.Instance.DefaultPoolDirectory, CancellationToken.None);
            var networks = new HostNetworks(host.Instance, host.Id, store, cache, events, time, NullLogger<HostNetworks>.Instance);
            var copies = new ContentCopies(store, cache, pools, new ContentSource(cache, pools, new PeerDirectory()), time, NullLogger<ContentCopies>.Instance);
            var disks = new HostDisks(store, cache, pools, copies, new DiskGrowth(new WorkerUsers([299_999]), time), time, NullLogger<HostDisks>.Instance);
            var runs = new OperationRuns(store, cache, time, NullLogger<OperationRuns>.Instance);
            var ground = new VmHost
            {
                Instance = host.Instance,
                HostId = host.Id,
                HostName = host.Id,
                BootId = bootId,
                Incarnation = bootId,
                Store = store,
                Generation = leadership.Generation,
                Cache = cache,
                Time = time,
                Engine = host._engine,
                Resources = new VmResources(store, cache, host._engine, pools, disks, copies, new HostSeeds(pools.Temporaries), networks, host._secrets),
                Events = events,
                Operations = runs,
                Memory = new HostMemory(),
                UserIds = new VmUserIds(host.Instance.VmUserIds),
                Loggers = NullLoggerFactory.Instance,
            };
            var maintenance = new MaintenanceGround { Store = store, Cache = cache, Runs = runs, Events = events, Time = time, Loggers = NullLoggerFactory.Instance };
            var daemon = new TestDaemon { Store = store, Cache = cache, Vms = new HostVms(ground), Networks = networks, Pools = pools, Leadership = leadership, Maintenance = maintenance };
            leadership.Add("vm controller", (term, stopping) =>
                new VmController(store, term, cache, runs, events, time, NullLogger<VmController>.Instance).RunAsync(stopping));
            leadership.Add("recovery", (term, stopping) =>
                new RecoveryController(store, term, cache, events, time, NullLogger<RecoveryController>.Instance).RunAsync(stopping));
            var executor = new OperationExecutor(runs, cache, events, host.Id, NullLogger<OperationExecutor>.Instance);
            executor.ServedElsewhere([.. VmOperations.All, Migrations.Operation]);
            new GuestsShutdown(ground, daemon.Vms, new OperationRequests(time)).Register(executor);
            MaintenanceRoom.Register(executor, maintenance, new MaintenanceHost(host.Id, host.Id, bootId, () => daemon.Vms.RunningIds), host.AskMachineAsync);
            leadership.Add("evacuations", (term, stopping) => new EvacuationController(maintenance, term).RunAsync(stopping));
            var snapshots = new SnapshotGround(cache, pools, disks, new WorkerUsers([299_998]), time);
            new HostSnapshots(snapshots, daemon.Vms).Register(executor);
            var migrations = new HostMigrations(new MigrationGround
            {
                Host = ground,
                Vms = daemon.Vms,
                Pools = pools,
                Disks = disks,
                Secrets = host._secrets,
                Copies = copies,
                Peers = new PeerDirectory(),
                Arrivals = new ColdArrivals(host.Instance.ArrivalsDirectory, cache, pools),
                Sender = new ColdSender(cache, pools, time),
            });
            daemon.Run(new SnapshotSweep(store, snapshots, new OperationRequests(time)).RunAsync);
            RegisterMoves(host, daemon, disks, events, executor);
            daemon.Run(executor.RunAsync);
            daemon.Run(runs.RunAsync);
            daemon.Run(leadership.RunAsync);
            daemon.Run(daemon.Vms.RunAsync);
            daemon.Run(new RecoveryReporter(ground, daemon.Vms).RunAsync);
            daemon.Run(migrations.RunAsync);
            return daemon;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_loops);
            await Vms.DisposeAsync();
            await Networks.DisposeAsync();
            Pools.Dispose();
            await Cache.DisposeAsync();
            _stop.Dispose();
        }

        private static void RegisterMoves(VmTestHost host, TestDaemon daemon, HostDisks disks, EventLog events, OperationExecutor executor)
        {
            var (time, workers) = (TimeProvider.System, new WorkerUsers([299_997]));
            var parts = new CopyParts
            {
                Store = daemon.Store,
                Cache = daemon.Cache,
                Time = time,
                Events = events,
                Executor = executor,
                Sweeper = new Sweeper(time, NullLogger<Sweeper>.Instance),
                Pools = daemon.Pools,
                Disks = disks,
                Workers = workers,
                Vms = daemon.Vms,
                Secrets = host._secrets,
            };
            new HostMoves(parts, new DiskCopier(daemon.Pools, disks, workers, time)).Register(executor);
        }

        private static async Task RegisterHostAsync(VmTestHost host, Cache cache, string bootId)
        {
            var status = new HostStatus
            {
                Incarnation = bootId,
                BootId = bootId,
                DaemonVersion = "test",
                Cores = 4,
                MemoryMiB = 8192,
                Accelerator = new Api.Accelerator { Kind = AcceleratorKind.Tcg, Reason = "test" },
                DefaultCpuModel = "Westmere-v1",
                DefaultMachineType = "pc-q35-7.2",
                QemuVersion = "7.2.22",
                Links = [new HostLink { Address = "127.0.0.1" }],
            };
            var change = new StoreChange("test.host").Put(Keys.Hosts.Spec, host.Id, cache.Snapshot.Get(Keys.Hosts.Spec, host.Id)?.Record ?? new HostSpec { Name = host.Id }).Put(Keys.Hosts.Status, host.Id, status);
            var result = await change.CommitAsync(host.Store, TimeProvider.System);
            await cache.WaitForRevisionAsync(result.Revision, Patience);
        }

        private void Run(Func<CancellationToken, Task> loop) => _loops.Add(Task.Run(async () =>
        {
            try
            {
                await loop(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // The daemon ends.
            }
            catch (TermEndedException)
            {
                // A real daemon ends at this; here the test decides when.
            }
        }));
    }
}
