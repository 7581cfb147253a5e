using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Images.Catalogue;
using Lamina.Server.Isos;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Store;

namespace Lamina.Server.Disks;

/// <summary>What the rooms of storage are made with.</summary>
internal sealed record StorageParts
{
    public required IStore Store { get; init; }
    public required Leadership Leadership { get; init; }
    public required Cache Cache { get; init; }
    public required TimeProvider Time { get; init; }
    public required EventLog Events { get; init; }

    /// <summary>This one.</summary>
    public required PoolHost Host { get; init; }
    public PeerDirectory Peers { get; init; } = new();
    public required OperationExecutor Executor { get; init; }
    public required Sweeper Sweeper { get; init; }
    public required ILoggerFactory Loggers { get; init; }
    public required OperatingSystemDatabase OperatingSystems { get; init; }

    /// <summary>Of the pool <c>default</c>, when it does not exist yet.</summary>
    public required string DefaultPoolFolder { get; init; }

    /// <summary>The daemon's own: no pool lies in them or holds them, the default one excepted.</summary>
    public IReadOnlyList<string> PrivateFolders { get; init; } = [];

    /// <summary>The administrator's files of public images: <c>/etc/lamina/catalogue.d</c>.</summary>
    public required string CatalogueFolder { get; init; }

    /// <summary>Uids for tools that read foreign files; as many run at once.</summary>
    public required IReadOnlyList<uint> WorkerUserIds { get; init; }
}

/// <summary>The rooms Pools, Images, Isos and Disks of this host, put together.</summary>
internal sealed class StorageRooms : IDisposable
{
    private readonly StorageParts _parts;
    private readonly HostImages _images;
    private readonly HostIsos _isos;
    private readonly HostDiskOperations _diskOperations;
    private readonly ContentSource _source;
    private readonly Publisher _publisher = new();

    private StorageRooms(StorageParts parts)
    {
        _parts = parts;
        Pools = new HostPools(parts.Store, parts.Cache, parts.Host, parts.Events, parts.Time, parts.Loggers.CreateLogger<HostPools>());
        Uploads = new HostUploads(Pools);
        Workers = new WorkerUsers(parts.WorkerUserIds);
        _source = new ContentSource(parts.Cache, Pools, parts.Peers);
        Copies = new ContentCopies(parts.Store, parts.Cache, Pools, _source, parts.Time, parts.Loggers.CreateLogger<ContentCopies>());
        var download = new ImageDownload(parts.Store, parts.Cache, Pools, Uploads, _publisher, parts.Time);
        _images = new HostImages(parts.Cache, Pools, Uploads, _publisher, download, Copies, Workers, parts.Events, parts.Time, parts.Loggers.CreateLogger<HostImages>());
        _isos = new HostIsos(parts.Cache, Pools, Uploads, Copies, parts.Events, parts.OperatingSystems);
        Disks = new HostDisks(parts.Store, parts.Cache, Pools, Copies, new DiskGrowth(Workers, parts.Time), parts.Time, parts.Loggers.CreateLogger<HostDisks>());
        _diskOperations = new HostDiskOperations(parts.Cache, Disks, parts.Events);
        Seeds = new HostSeeds(Pools.Temporaries);
    }

    public HostPools Pools { get; }

    public HostUploads Uploads { get; }

    public HostDisks Disks { get; }

    /// <summary>Brings images and media to this host.</summary>
    public ContentCopies Copies { get; }

    /// <summary>Uids for tools that read what guests have written.</summary>
    public WorkerUsers Workers { get; }

    public HostSeeds Seeds { get; }

    /// <summary>For <c>/v1/watch</c>.</summary>
    public static IReadOnlyList<WatchKind> Watches => [PoolEndpoints.Watch, ImageEndpoints.Watch, IsoEndpoints.Watch, DiskEndpoints.Watch];

    /// <summary>Makes the pool <c>default</c> at the first start, and registers what the rooms carry out and sweep.</summary>
    public static async Task<StorageRooms> OpenAsync(StorageParts parts, CancellationToken cancellation)
    {
        var rooms = new StorageRooms(parts);
        await rooms.Pools.EnsureDefaultAsync(parts.DefaultPoolFolder, cancellation);
        rooms.Uploads.Restore(parts.Cache.Snapshot.All(Keys.Uploads).Select(upload => (upload.Id, upload.Record)));
        new HostPoolOperations(parts.Cache, rooms.Pools, parts.Events, parts.Time).Register(parts.Executor);
        rooms._images.Register(parts.Executor);
        rooms._isos.Register(parts.Executor);
        rooms._diskOperations.Register(parts.Executor);
        var sweep = new PoolSweep(parts.Store, parts.Cache, rooms.Pools, rooms.Uploads, parts.Time);
        parts.Sweeper.Register("pools", sweep.SweepAsync);
        return rooms;
    }

    public void Map(ApiRoutes api)
    {
        var operations = new OperationRequests(_parts.Time);
        var lookup = new UploadLookup(Uploads);
        new PoolEndpoints(operations, _parts.Events, _parts.PrivateFolders).Map(api);
        new UploadEndpoints(Pools, Uploads, _parts.Time).Map(api);
        var catalogue = new ImageCatalogue(ImageCatalogue.BuiltInFile, _parts.CatalogueFolder);
        new ImageEndpoints(operations, lookup, catalogue, _parts.Time).Map(api);
        new IsoEndpoints(operations, lookup, _parts.Time).Map(api);
        new DiskEndpoints(operations, _parts.Events, _parts.Time).Map(api);
        new OrphanEndpoints(_parts.Cache, Pools).Map(api);
    }

    /// <summary>What other hosts ask of this one's storage.</summary>
    public void Map(PeerRoutes peers) => _source.Map(peers);

    public void Add(Loops loops)
    {
        loops.Add("pools", Pools.RunAsync);
        loops.Add("shared pools", Pools.Shared.RunAsync);
        loops.Add("disks", Disks.RunAsync);
        loops.Add("copies of images", Copies.RunAsync);
        loops.Add("unmade images", CleanUp(_images.Unmade).RunAsync);
        loops.Add("unmade media", CleanUp(_isos.Unmade).RunAsync);
        loops.Add("unmade disks", CleanUp(_diskOperations.Unmade).RunAsync);
    }

    public void Dispose()
    {
        Pools.Dispose();
        _publisher.Dispose();
    }

    private UnmadeController<TSpec, TStatus> CleanUp<TSpec, TStatus>(UnmadeKind<TSpec, TStatus> kind)
        where TSpec : Api.ProjectRecord
        where TStatus : Api.StoredRecord =>
        new(kind, _parts.Store, _parts.Leadership.Generation, _parts.Cache, _parts.Time, _parts.Loggers.CreateLogger(typeof(UnmadeController<,>).Namespace + "." + kind.Noun));
}
