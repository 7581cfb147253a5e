using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Images.Catalogue;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing.Storage;

/// <summary>
/// The rooms of storage on a real store and a real folder, without HTTP: operations are committed as the endpoints commit them. Restarting it is
/// what the death and next start of a daemon are to these rooms.
/// </summary>
internal sealed class StorageWorld : IAsyncDisposable
{
    private readonly TestStore _store = TestStore.Create();
    private readonly Func<IStore, IStore> _wrap;
    private Running? _running;

    private StorageWorld(string poolFolder, Func<IStore, IStore> wrap)
    {
        PoolFolder = poolFolder;
        _wrap = wrap;
    }

    public string PoolFolder { get; }

    public PoolPaths Pool => new(PoolFolder);

    public string PoolId => Now.Cache.Snapshot.All(Keys.Pools.Spec).Single().Id;

    public StorageRooms Rooms => Now.Rooms;

    public CacheSnapshot Snapshot => Now.Cache.Snapshot;

    public Sweeper Sweeper => Now.Sweeper;

    private Running Now => _running ?? throw new InvalidOperationException("The world has stopped.");

    /// <param name="poolFolder">Of the pool <c>default</c>.</param>
    /// <param name="wrap">Puts faults between the rooms and the store; null: none.</param>
    public static async Task<StorageWorld> StartAsync(string poolFolder, Func<IStore, IStore>? wrap = null)
    {
        var world = new StorageWorld(poolFolder, wrap ?? (store => store));
        world._running = await Running.OpenAsync(world._wrap(world._store.Store), poolFolder);
        world._running.Begin();
        return world;
    }

    public async Task StopAsync()
    {
        if (_running is not null) await _running.StopAsync();
        _running = null;
    }

    /// <summary>Starts again on the same data, now without faults.</summary>
    /// <param name="beforeWork">Done when the state is read and no operation is taken up yet; null: nothing.</param>
    public async Task StartAgainAsync(Func<Task>? beforeWork = null)
    {
        _running = await Running.OpenAsync(_store.Store, PoolFolder);
        if (beforeWork is not null) await beforeWork();
        _running.Begin();
    }

    /// <summary>Commits something and waits until the rooms know of it.</summary>
    public async Task CommitAsync(StoreChange change)
    {
        var result = await change.CommitAsync(_store.Store, TimeProvider.System);
        if (!result.Succeeded) throw new InvalidOperationException($"{change.Label} was refused: {result.Conflicts[0]}");
        await Now.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(10));
    }

    /// <summary>A finished upload with the content of a file.</summary>
    public async Task<string> UploadAsync(string file)
    {
        var id = NewId();
        var spec = new UploadSpec { Pool = PoolId, SizeBytes = new FileInfo(file).Length };
        await CommitAsync(new StoreChange("test").Create(Keys.Uploads, id, spec with { CreatedAt = TimeProvider.System.GetUtcNow() }));
        await using var content = File.OpenRead(file);
        await Rooms.Uploads.AppendAsync(id, spec, 0, content, CancellationToken.None);
        return id;
    }

    /// <summary>Asks for an image and gives the operation's id.</summary>
    public Task<string> ImportAsync(string name, string uploadId, string? sha256 = null) => BeginAsync(
        "image.import", name, new JsonObject { ["upload"] = uploadId, ["sha256"] = sha256 },
        (change, id, operation) => change.Create(Keys.Images.Spec, id, new ImageSpec { Name = name, Pool = PoolId, Origin = ImageOrigin.Upload, Making = operation }));

    /// <summary>Asks for a publisher's file and gives the operation's id.</summary>
    public Task<string> PullAsync(string name, ImageSource source)
    {
        var now = TimeProvider.System.GetUtcNow();
        string version = ImageVersions.Next(Snapshot, ProjectRecord.DefaultProject, name, now);
        string made = ImageVersions.NameFor(Snapshot, ProjectRecord.DefaultProject, name, source, version);
        return BeginAsync("image.pull", made, [], (change, id, operation) => change.Create(Keys.Images.Spec, id, new ImageSpec
        {
            Name = made, Pool = PoolId, Origin = ImageOrigin.Pull, Source = source, Version = version, CreatedAt = now, Making = operation,
        }));
    }

    /// <summary>Asks for a medium and gives the operation's id.</summary>
    public Task<string> TakeOverAsync(string name, string uploadId, IsoKind kind) => BeginAsync(
        "iso.create", name, new JsonObject { ["upload"] = uploadId },
        (change, id, operation) => change.Create(Keys.Isos.Spec, id, new IsoSpec { Name = name, Pool = PoolId, Kind = kind, Making = operation }));

    /// <summary>Asks for the deletion of an image and gives the operation's id.</summary>
    public async Task<string> DeleteImageAsync(CachedRecord<ImageSpec> image)
    {
        var change = new StoreChange("test");
        var operation = Operation(change, "image.delete", new ObjectReference { Kind = "image", Id = image.Id, Name = image.Record.Name }, null);
        await CommitAsync(change.Update(Keys.Images.Spec, image.Id, image.Record with { Deleting = operation }, image.ModRevision));
        return operation;
    }

    public async Task CancelAsync(string operation)
    {
        var request = Snapshot.Get(Keys.Operations.Request, operation)!;
        await CommitAsync(new StoreChange("test").Update(Keys.Operations.Request, operation, request.Record with { CancelRequested = true }, request.ModRevision));
    }

    /// <summary>Waits until the operation has ended.</summary>
    public async Task<OperationState> EndOfAsync(string operation)
    {
        await UntilAsync(snapshot => snapshot.Get(Keys.Operations.State, operation)?.Record.IsEnded() == true, Keys.Operations.State);
        return Snapshot.Get(Keys.Operations.State, operation)!.Record;
    }

    /// <summary>Waits until the records of these kinds are so.</summary>
    public async Task UntilAsync(Func<CacheSnapshot, bool> holds, params RecordKind[] kinds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var subscription = Now.Cache.Subscribe(kinds);
        if (holds(subscription.Start)) return;
        await foreach (var batch in subscription.ReadAllAsync(deadline.Token))
        {
            if (holds(batch.Snapshot)) return;
        }
    }

    public CachedRecord<ImageSpec>? Image(string name) => Snapshot.All(Keys.Images.Spec).SingleOrDefault(image => image.Record.Name == name);

    public CachedRecord<IsoSpec>? Iso(string name) => Snapshot.All(Keys.Isos.Spec).SingleOrDefault(iso => iso.Record.Name == name);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _store.DisposeAsync();
    }

    public static string NewId() => Guid.CreateVersion7().ToString();

    private async Task<string> BeginAsync(string kind, string name, JsonObject parameters, Action<StoreChange, string, string> create)
    {
        var noun = kind.Split('.')[0];
        var id = NewId();
        var change = new StoreChange("test").Create(Keys.Names, Keys.NameId("default", noun, name), new Claim { Owner = id });
        var operation = Operation(change, kind, new ObjectReference { Kind = noun, Id = id, Name = name }, parameters);
        create(change, id, operation);
        await CommitAsync(change);
        return operation;
    }

    private static string Operation(StoreChange change, string kind, ObjectReference target, JsonObject? parameters) =>
        new OperationRequests(TimeProvider.System).Add(change, new OperationDraft { Kind = kind, Target = target, RequestedBy = "test", Parameters = parameters }).Id;

    /// <summary>One life of the daemon.</summary>
    private sealed class Running
    {
        private readonly Lamina.Server.Loops _loops = new(TimeProvider.System, NullLogger<Lamina.Server.Loops>.Instance);

        public required Cache Cache { get; init; }
        public required StorageRooms Rooms { get; init; }
        public required Sweeper Sweeper { get; init; }

        public static async Task<Running> OpenAsync(IStore store, string poolFolder)
        {
            var time = TimeProvider.System;
            var loggers = NullLoggerFactory.Instance;
            var cache = new Cache(store, Keys.Cached, time, NullLogger<Cache>.Instance);
            await cache.StartAsync();
            var events = new EventLog(time, "host");
            var runs = new OperationRuns(store, cache, time, NullLogger<OperationRuns>.Instance);
            var executor = new OperationExecutor(runs, cache, events, "host", NullLogger<OperationExecutor>.Instance);
            var sweeper = new Sweeper(time, NullLogger<Sweeper>.Instance);
            var leadership = new Leadership(
                store,
                cache,
                await StoreGeneration.EnsureAsync(store, time),
                new LeaderRecord { Host = "host", Incarnation = "boot" },
                time,
                NullLogger<Leadership>.Instance);
            var rooms = await StorageRooms.OpenAsync(
                new StorageParts
                {
                    Store = store,
                    Leadership = leadership,
                    Cache = cache,
                    Time = time,
                    Events = events,
                    Host = new PoolHost("host", "host"),
                    Executor = executor,
                    Sweeper = sweeper,
                    Loggers = loggers,
                    OperatingSystems = new OperatingSystemDatabase(OperatingSystemDatabase.DefaultFolder, NullLogger<OperatingSystemDatabase>.Instance),
                    DefaultPoolFolder = poolFolder,
                    CatalogueFolder = Path.Join(poolFolder, "no-catalogue"),
                    WorkerUserIds = [299_998, 299_999],
                },
                CancellationToken.None);
            var running = new Running { Cache = cache, Rooms = rooms, Sweeper = sweeper };
            running._loops.Add("leadership", leadership.RunAsync);
            running._loops.Add("cancelled operations", runs.RunAsync);
            running._loops.Add("operations", executor.RunAsync);
            rooms.Add(running._loops);
            return running;
        }

        public void Begin() => _loops.Start();

        public async Task StopAsync()
        {
            await _loops.StopAsync();
            Rooms.Dispose();
            await Cache.DisposeAsync();
            Sweeper.Dispose();
        }
    }
}
