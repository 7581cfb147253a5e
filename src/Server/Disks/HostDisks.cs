using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Images;
using Lamina.Server.Pools;
using Lamina.Server.Store;

namespace Lamina.Server.Disks;

/// <summary>
/// Makes and deletes the files of disks on this machine. A file under its final name is whole: it is written beside the others, made durable and
/// renamed. So making is safe to repeat, and a file that is there is never made again.
/// </summary>
internal sealed partial class HostDisks(IStore store, Cache cache, HostPools pools, ContentCopies copies, DiskGrowth growth, TimeProvider time, ILogger<HostDisks> logger)
{
    private const int MaxOperationsPerCommit = 50;

    /// <summary>A file beside a disk that comes from another host, until it is here by the records: what is left of one that never came is made anew.</summary>
    private const string ArrivingMark = "arriving";

    // A guest that writes moves its figure all the time: smaller steps are not worth a write.
    private const long FigureStepBytes = 64L << 20;
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(1);

    /// <summary>Between those who read frozen layers and those who merge them.</summary>
    public LayerGate Gate { get; } = new();

    /// <summary>The disk's files as its guest sees it now, whether or not they are there.</summary>
    /// <exception cref="ProblemException">The pool is gone, or a disk below it.</exception>
    public DiskPaths PathsOf(string diskId, DiskSpec spec) => PathsOf(diskId, spec, LayersOf(diskId).Active);

    /// <summary>The files of one layer of the disk, with all below it.</summary>
    /// <exception cref="ProblemException">The pool is gone, or the layer, or a disk below it.</exception>
    public DiskPaths PathsOf(string diskId, DiskSpec spec, string layer)
    {
        var pool = pools.PathsOf(spec.Pool);
        return DiskPaths.Of(pool, diskId, spec, LayersOf(diskId).ChainOf(layer), spec.Base is { } below ? PathsOf(below) : null);
    }

    public DiskLayers LayersOf(string diskId) => new(cache.Snapshot.Get(Keys.Disks.Status, diskId)?.Record);

    private DiskPaths PathsOf(DiskBase below) => cache.Snapshot.Get(Keys.Disks.Spec, below.Disk)?.Record is { } spec
        ? PathsOf(below.Disk, spec, below.Layer)
        : throw new ProblemException(ProblemKind.Unprocessable, "disk.baseMissing", $"Disk {below.Disk}, on which a linked clone stands, is gone.", "Restore it from a backup.");

    /// <summary>
    /// Makes the disk's file unless it is there: a thin clone of its image, or an empty qcow2 or raw file; makes it as large as the record says when
    /// it is there. The caller commits the status that is given, with whatever else it writes. No process may have the disk open.
    /// </summary>
    /// <param name="diskId">The disk.</param>
    /// <param name="spec">Its record.</param>
    /// <param name="cancellation">Gives up before the disk is made.</param>
    /// <param name="report">Told percent and words while the disk's image is brought from another host; null: nobody asks.</param>
    /// <returns>The status to be recorded; null: it is recorded as ready already.</returns>
    /// <exception cref="ProblemException">The pool is full, or the image or the disk's own file has vanished.</exception>
    public async Task<DiskStatus?> EnsureAsync(string diskId, DiskSpec spec, CancellationToken cancellation, Action<int?, string>? report = null)
    {
        var paths = PathsOf(diskId, spec);
        var known = cache.Snapshot.Get(Keys.Disks.Status, diskId)?.Record;
        var recorded = known?.State == ContentState.Ready;
        if (File.Exists(paths.Path))
        {
            if (recorded && (known!.SizeBytes == spec.SizeBytes || IsOpen(spec))) return null;
            var grown = await growth.EnsureAsync(spec.Name, paths.Chain[0], spec.SizeBytes, cancellation);
            var status = (recorded ? known! : Ready(paths.Path)) with { SizeBytes = spec.SizeBytes };
            return recorded && !grown && known!.SizeBytes is null ? null : status;
        }

        // What a guest has written is gone; an empty disk in its place would hide that.
        if (recorded) throw new ProblemException(
            ProblemKind.Unprocessable, "disk.missing", $"The file of disk {spec.Name} is gone: {paths.Path}.", "Bring the file back from a copy, or delete the VM.");
        if (spec.Image is { } image) await copies.EnsureAsync(ContentKind.Image, image, spec.Pool, report, cancellation);
        if (paths.Backing.FirstOrDefault(file => !File.Exists(file.Path)) is { } below) throw new ProblemException(
            ProblemKind.Unprocessable, spec.Image is null ? "disk.baseMissing" : "image.missing", $"What disk {spec.Name} is made on is gone: {below.Path}.",
            "Bring the file back, or make the VM from another image.");
        pools.RequireRoom(spec.Pool, $"disk {spec.Name}", PoolAccounting.ThinDiskBytes);
        await MakeAsync(diskId, spec, cancellation);
        return Ready(paths.Path) with { SizeBytes = spec.SizeBytes };
    }

    /// <summary>Makes an empty file for a disk that comes from another host, whose record does not say yet that it lies here.</summary>
    /// <exception cref="ProblemException">The pool is full, or a file is in the way.</exception>
    public async Task<DiskPaths> MakeArrivalAsync(string diskId, DiskSpec spec, CancellationToken cancellation)
    {
        var paths = DiskPaths.Of(pools.PathsOf(spec.Pool), diskId, spec, new DiskLayers(null).ChainOf(DiskLayer.First), null);
        using var root = RootedDirectory.Open(pools.PathsOf(spec.Pool).Root);
        if (root.Find(MarkOf(diskId)) is not null) root.DeleteDirectory(System.IO.Path.Join("disks", diskId));
        else if (File.Exists(paths.Path)) throw ProblemException.Conflict(
            "disk.inTheWay", $"There is a file already where disk {spec.Name} shall lie: {paths.Path}.", "Look at what it is (lamina pool show), and remove it by hand if nobody needs it.");
        pools.RequireRoom(spec.Pool, $"disk {spec.Name}", PoolAccounting.ThinDiskBytes);
        root.CreateDirectory(System.IO.Path.Join("disks", diskId));
        root.OpenFile(MarkOf(diskId), OpenFlags.ReadWrite | OpenFlags.Create).Dispose();
        await MakeAsync(diskId, spec, cancellation);
        return paths;
    }

    /// <summary>The records say that the disk lies here.</summary>
    public void Arrived(string diskId, DiskSpec spec)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(spec.Pool).Root);
        root.DeleteFile(MarkOf(diskId));
    }

    private static string MarkOf(string diskId) => System.IO.Path.Join("disks", diskId, ArrivingMark);

    /// <summary>Makes an empty layer on top of another one, of the size that this one has; a file that is there is left alone. Not on record yet.</summary>
    /// <exception cref="ProblemException">The pool is full.</exception>
    /// <returns>Its path.</returns>
    public string MakeLayer(string diskId, DiskSpec spec, string below, string layer)
    {
        var pool = pools.PathsOf(spec.Pool);
        string path = pool.DiskLayer(diskId, layer);
        if (File.Exists(path)) return path;
        var parent = PathsOf(diskId, spec, below).Chain[0];
        pools.RequireRoom(spec.Pool, $"a layer of disk {spec.Name}", PoolAccounting.ThinDiskBytes);
        byte[] empty = Qcow2Writer.Empty(DiskGrowth.SizeOf(parent), System.IO.Path.GetFileName(parent.Path), parent.Format == DiskFormat.Raw);
        DurableFile.Write(path, empty, UnixFileMode.UserRead | UnixFileMode.UserWrite, layer);
        return path;
    }

    /// <summary>Deletes the files of layers that were on record and are not any more; one that is gone already is no error.</summary>
    public void DeleteDroppedLayers(string diskId, DiskSpec spec, DiskStatus before, DiskStatus after)
    {
        var pool = pools.PathsOf(spec.Pool);
        using var root = RootedDirectory.Open(pool.Root);
        foreach (string file in FilesOf(before).Except(FilesOf(after)).ToArray()) root.DeleteFile(System.IO.Path.Join("disks", diskId, file));

        IEnumerable<string> FilesOf(DiskStatus status) =>
            new DiskLayers(status).All.Select(layer => System.IO.Path.GetFileName(DiskPaths.Of(pool, diskId, spec, [layer], null).Path));
    }

    /// <summary>Makes the disk's first file anew in its pool, empty, for something that fills it; what lay in its folder there goes. Not on record yet.</summary>
    public void MakeEmpty(string diskId, DiskSpec spec)
    {
        var pool = pools.PathsOf(spec.Pool);
        using var root = RootedDirectory.Open(pool.Root);
        string folder = System.IO.Path.Join("disks", diskId);
        root.DeleteDirectory(folder);
        root.CreateDirectory(folder);
        Write(root, System.IO.Path.GetRelativePath(pool.Root, pool.Disk(diskId, spec.Format)), spec, backingName: null);
        DurableFile.SyncDirectory(pool.DiskFolder(diskId));
        DurableFile.SyncDirectory(pool.Disks);
    }

    /// <summary>Deletes the files of the disk's folder that no layer on record is in.</summary>
    /// <returns>Their paths.</returns>
    public IReadOnlyList<string> DeleteUnnamedLayers(string diskId, DiskSpec spec)
    {
        var pool = pools.PathsOf(spec.Pool);
        using var root = RootedDirectory.Open(pool.Root);
        string folder = System.IO.Path.Join("disks", diskId);
        if (root.Find(folder) is null || cache.Snapshot.Get(Keys.Disks.Status, diskId)?.Record.State != ContentState.Ready) return [];
        var layers = LayersOf(diskId);
        var named = layers.All.Select(layer => System.IO.Path.GetFileName(DiskPaths.Of(pool, diskId, spec, [layer], null).Path)).ToHashSet(StringComparer.Ordinal);
        string[] unnamed = [.. root.List(folder).Where(file => !named.Contains(file))];
        foreach (string file in unnamed) root.DeleteFile(System.IO.Path.Join(folder, file));
        return [.. unnamed.Select(file => System.IO.Path.Join(pool.Root, folder, file))];
    }

    /// <summary>A process has it: that grows it itself.</summary>
    private bool IsOpen(DiskSpec spec) => spec.Vm is { } vm
        && cache.Snapshot.Get(Keys.Vms.Status, vm)?.Record.State is VmState.Running or VmState.Paused or VmState.Stopping or VmState.Unresponsive;

    /// <summary>Deletes the disk's file; one that is not there is no error. The caller deletes the records afterwards.</summary>
    public void Delete(string diskId, DiskSpec spec)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(spec.Pool).Root);
        root.DeleteDirectory(System.IO.Path.Join("disks", diskId));
    }

    /// <summary>Whether this host tidies up where the disk lies.</summary>
    public bool IsKept(DiskSpec spec) => pools.IsKept(spec.Pool);

    /// <summary>What the disk's file occupies now; 0 when it is not there.</summary>
    public long AllocatedBytes(string diskId, DiskSpec spec)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(spec.Pool).Root);
        return PoolFiles.AllocatedBytes(root, System.IO.Path.Join("disks", diskId));
    }

    /// <summary>Keeps the recorded sizes near the truth, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(RefreshInterval, time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            try
            {
                await RefreshAsync(cancellation);
            }
            catch (Exception failure) when (!cancellation.IsCancellationRequested)
            {
                LogNotRefreshed(logger, failure);
            }
        }
    }

    private async Task RefreshAsync(CancellationToken cancellation)
    {
        foreach (var part in Moved(cache.Snapshot).Chunk(MaxOperationsPerCommit))
        {
            var change = new StoreChange("disk.figures");
            foreach (var (id, status, revision) in part) change.Update(Keys.Disks.Status, id, status, revision);
            await change.CommitAsync(store, time, cancellation); // overtaken: the next round sees the newer state
        }
    }

    private async Task MakeAsync(string diskId, DiskSpec spec, CancellationToken cancellation)
    {
        var pool = pools.PathsOf(spec.Pool);
        using var use = await pools.Temporaries.UseAsync(pool.Temporary(diskId), cancellation);
        using var root = RootedDirectory.Open(pool.Root);
        var temporary = System.IO.Path.GetFileName(pool.Temporary(diskId));
        try
        {
            Write(root, temporary, spec, BackingNameOf(diskId, spec));
            root.CreateDirectory(System.IO.Path.Join("disks", diskId));
            root.Rename(temporary, System.IO.Path.GetRelativePath(pool.Root, pool.Disk(diskId, spec.Format)));
        }
        catch (Exception problem) when (problem is LinuxException { ErrorNumber: Errno.NoSpace } or IOException { HResult: Errno.NoSpace })
        {
            root.DeleteFile(temporary);
            throw new ProblemException(ProblemKind.NoSpace, PoolAccounting.PoolFull, $"The pool is full: disk {spec.Name} was not made.", "Make room in the pool and try again.", problem);
        }
    }

    /// <summary>What the first file's header says lies below it; for tools and people, since QEMU is always told.</summary>
    private string? BackingNameOf(string diskId, DiskSpec spec) => spec switch
    {
        { Image: { } image } => PoolPaths.ImageFromDisk(image),
        { Base: { } below } => System.IO.Path.GetRelativePath(pools.PathsOf(spec.Pool).DiskFolder(diskId), PathsOf(below).Path),
        _ => null,
    };

    private static void Write(RootedDirectory root, string name, DiskSpec spec, string? backingName)
    {
        using var file = root.OpenFile(name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate);
        if (spec.Format == DiskFormat.Raw) RandomAccess.SetLength(file, spec.SizeBytes);
        else RandomAccess.Write(file, Qcow2Writer.Empty(spec.SizeBytes, backingName), 0);
        RandomAccess.FlushToDisk(file);
    }

    private IEnumerable<(string Id, DiskStatus Status, long Revision)> Moved(CacheSnapshot snapshot)
    {
        foreach (var known in snapshot.All(Keys.Disks.Status).Where(status => status.Record.State == ContentState.Ready))
        {
            if (snapshot.Get(Keys.Disks.Spec, known.Id) is not { } spec || !IsMine(snapshot, spec.Record)) continue;
            var allocated = AllocatedOrNull(known.Id, spec.Record);
            if (allocated is { } bytes && Math.Abs(bytes - known.Record.AllocatedBytes) >= FigureStepBytes)
                yield return (known.Id, known.Record with { AllocatedBytes = bytes }, known.ModRevision);
        }
    }

    /// <summary>Of the hosts that reach a disk one tells what it occupies: its VM's, else the pool's keeper.</summary>
    public bool IsMine(CacheSnapshot snapshot, DiskSpec spec)
    {
        if (snapshot.Get(Keys.Pools.Spec, spec.Pool) is not { } pool) return false;
        if (pool.Record.Scope == PoolScope.Shared && spec.Vm is { } vm && snapshot.Get(Keys.Vms.Assignment, vm) is { } assignment) return assignment.Record.Host == pools.HostId;
        return pools.IsKeeper(pool);
    }

    private long? AllocatedOrNull(string diskId, DiskSpec spec)
    {
        try
        {
            return AllocatedBytes(diskId, spec);
        }
        catch (Exception problem) when (problem is LinuxException or ProblemException)
        {
            return null; // the pool is away: its status says so
        }
    }

    private static DiskStatus Ready(string path)
    {
        using var file = File.OpenHandle(path);
        return new DiskStatus { State = ContentState.Ready, AllocatedBytes = FileFacts.Read(file).AllocatedBytes };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What disks occupy could not be recorded; tried again in a minute")]
    private static partial void LogNotRefreshed(ILogger logger, Exception failure);
}
