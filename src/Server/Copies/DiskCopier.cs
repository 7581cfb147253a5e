using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Disks;
using Lamina.Server.Images;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Copies;

/// <summary>A disk's content that nobody writes, and the disk that is to hold it.</summary>
/// <param name="SourceId">The disk that is read.</param>
/// <param name="Source">Its record.</param>
/// <param name="Layer">The layer whose content is meant.</param>
/// <param name="TargetId">The new disk, or the same one in another pool.</param>
/// <param name="Target">What it shall be.</param>
internal sealed record DiskCopy(string SourceId, DiskSpec Source, string Layer, string TargetId, DiskSpec Target)
{
    /// <summary>All layers are wanted, not only those that the content is made of.</summary>
    public bool WholeTree { get; init; }

    /// <summary>The files are copied as they are: what lies below them is in the same place for both.</summary>
    public bool AsFiles => Source.Base is null && (Source.Image == Target.Image);
}

/// <summary>
/// Copies the files of disks into an operation's own folder in the target's pool, and from there into their place. Where the file system can, blocks
/// are shared; else holes stay holes. The sweep finds the folder after a crash.
/// </summary>
internal sealed class DiskCopier(HostPools pools, HostDisks disks, WorkerUsers users, TimeProvider time)
{
    private const UnixFileMode DiskFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>For a tool that gets the file as a descriptor; the folder lets nobody in by path.</summary>
    private const UnixFileMode ReadableFile = DiskFile | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const long SlackBytes = 8L << 20;
    private const long SlowestBytesPerSecond = 4L << 20;

    /// <summary>Makes all files of these disks anew in the operation's folders; nothing is in its place yet.</summary>
    /// <returns>The statuses that the disks will have, in their order.</returns>
    /// <exception cref="ProblemException">A pool is full, or a file is gone.</exception>
    public async Task<IReadOnlyList<DiskStatus>> CopyAsync(OperationRun run, IReadOnlyList<DiskCopy> copies, CancellationToken cancellation)
    {
        await ToolLeftovers.EndAsync(run.Id, cancellation);
        var statuses = new List<DiskStatus>();
        foreach (string pool in copies.Select(copy => copy.Target.Pool).Distinct(StringComparer.Ordinal)) Clear(run.Id, pool);
        for (int index = 0; index < copies.Count; index++)
        {
            string what = copies.Count == 1 ? $"disk {copies[index].Source.Name}" : $"disk {copies[index].Source.Name} ({index + 1} of {copies.Count})";
            statuses.Add(copies[index].AsFiles
                ? await CopyFilesAsync(run, copies[index], what, cancellation)
                : await FlattenAsync(run, copies[index], what, cancellation));
        }

        return statuses;
    }

    /// <summary>Puts the finished files in their places, where the next commit makes them count. Safe to repeat.</summary>
    public void Place(string operation, IReadOnlyList<DiskCopy> copies)
    {
        foreach (var copy in copies)
        {
            var pool = pools.PathsOf(copy.Target.Pool);
            using var root = RootedDirectory.Open(pool.Root);
            string made = Path.Join(Path.GetFileName(pool.Temporary(operation)), copy.TargetId);
            string place = Path.Join("disks", copy.TargetId);
            if (root.Find(made) is null) continue;
            root.DeleteDirectory(place);
            root.Rename(made, place);
        }
    }

    /// <summary>Removes the operation's folders and gives the room back.</summary>
    public void End(string operation, IReadOnlyList<DiskCopy> copies)
    {
        foreach (string pool in copies.Select(copy => copy.Target.Pool).Distinct(StringComparer.Ordinal))
        {
            pools.Release(OwnerOf(operation, pool));
            using var root = RootedDirectory.Open(pools.PathsOf(pool).Root);
            root.DeleteDirectory(Path.GetFileName(pools.PathsOf(pool).Temporary(operation)));
        }
    }

    /// <summary>Writes a disk's content into a file of any format, which is made and readable by root only.</summary>
    /// <param name="run">For whom; its cancellation and progress.</param>
    /// <param name="source">The disk's files, nearest first; nobody writes them.</param>
    /// <param name="poolId">Where the target lies: its room is reserved.</param>
    /// <param name="targetPath">Made anew.</param>
    /// <param name="form">Of the target.</param>
    /// <param name="what">For people.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task ConvertAsync(
        OperationRun run, DiskPaths source, string poolId, string targetPath, QemuImgTarget form, string what, CancellationToken cancellation)
    {
        run.Report(null, "waiting for earlier copies");
        using var user = await users.RentAsync(cancellation);
        var chain = OpenChain(source);
        try
        {
            var tool = new QemuImg(user.UserId, run.Id, time);
            run.Report(null, $"measuring {what}");
            long data = await tool.MeasureAsync(chain, cancellation) + SlackBytes;
            if (pools.TryReserve(poolId, OwnerOf(run.Id, poolId), what, data) is { } full) throw HostPools.ProblemOf(full);
            File.Delete(targetPath);
            using var target = File.OpenHandle(targetPath, FileMode.CreateNew, FileAccess.ReadWrite);
            Ownership.Change(target, user.UserId, user.UserId);
            // Formats with large blocks have holes in them: the length may reach the virtual size, the room taken does not.
            long limit = Math.Max(data, DiskGrowth.SizeOf(source.Chain[0]) + (data >> 3) + (64L << 20));
            var deadline = TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(data / SlowestBytesPerSecond);
            await tool.ConvertAsync(chain, target, form, limit, deadline, OnPercent, cancellation);
            Ownership.Change(target, 0, 0);
            File.SetUnixFileMode(target, DiskFile);
            RandomAccess.FlushToDisk(target);

            void OnPercent(int percent)
            {
                pools.Keep(OwnerOf(run.Id, poolId), data - FileFacts.Read(target).AllocatedBytes);
                run.Report(percent, $"copying {what}");
            }
        }
        catch (CommandException failure)
        {
            throw pools.Room(poolId).FreeBytes < SlackBytes
                ? new ProblemException(ProblemKind.NoSpace, PoolAccounting.PoolFull, $"The pool became full: {failure.Message}", "Make room in the pool and ask again.", failure)
                : new ProblemException(ProblemKind.Unprocessable, "copy.failed", $"The content of {what} could not be copied: {failure.Message}", "See whether the disk is whole: lamina doctor.", failure);
        }
        finally
        {
            foreach (var file in chain) file.File.Dispose();
        }
    }

    internal static string OwnerOf(string operation, string poolId) => $"{operation}/{poolId}";

    private void Clear(string operation, string poolId)
    {
        var pool = pools.PathsOf(poolId);
        using var root = RootedDirectory.Open(pool.Root);
        string name = Path.GetFileName(pool.Temporary(operation));
        root.DeleteDirectory(name);
        root.CreateDirectory(name);
    }

    private async Task<DiskStatus> CopyFilesAsync(OperationRun run, DiskCopy copy, string what, CancellationToken cancellation)
    {
        var layers = disks.LayersOf(copy.SourceId);
        var wanted = copy.WholeTree ? layers.All : layers.ChainOf(copy.Layer);
        var files = wanted.Select(layer => disks.PathsOf(copy.SourceId, copy.Source, layer.Id).Chain[0]).ToList();
        string folder = FolderOf(run.Id, copy);
        Directory.CreateDirectory(folder, DiskFile | UnixFileMode.UserExecute);
        await Task.Run(() => CopyFiles(run, copy.Target.Pool, files, folder, what, cancellation), cancellation);
        DurableFile.SyncDirectory(folder);
        var written = disks.PathsOf(copy.SourceId, copy.Source, copy.Layer).Chain[0];
        return StatusOf(folder, written, copy.Target) with { Layers = wanted, Active = copy.Layer };
    }

    private void CopyFiles(OperationRun run, string poolId, IReadOnlyList<DiskFilePath> files, string folder, string what, CancellationToken cancellation)
    {
        var opened = files.Select(file => Open(file.Path)).ToList();
        try
        {
            long total = opened.Sum(SparseCopy.DataBytes);
            CopyProgress? progress = null;
            for (int index = 0; index < files.Count; index++)
            {
                using var target = File.OpenHandle(Path.Join(folder, Path.GetFileName(files[index].Path)), FileMode.CreateNew, FileAccess.ReadWrite);
                File.SetUnixFileMode(target, DiskFile);
                if (progress is null && SparseCopy.TryShare(opened[index], target)) continue;
                progress ??= BeginCopy(run, poolId, total, what);
                SparseCopy.Copy(opened[index], target, progress.Add, cancellation);
                RandomAccess.FlushToDisk(target);
            }

            CrashPoints.Reached("copy", "disks", "after");
        }
        catch (Exception problem) when (problem is LinuxException { ErrorNumber: Errno.NoSpace } or IOException { HResult: Errno.NoSpace })
        {
            throw new ProblemException(ProblemKind.NoSpace, PoolAccounting.PoolFull, $"The pool became full: {what} was not copied.", "Make room in the pool and ask again.", problem);
        }
        finally
        {
            foreach (var file in opened) file.Dispose();
        }
    }

    private CopyProgress BeginCopy(OperationRun run, string poolId, long total, string what)
    {
        string owner = OwnerOf(run.Id, poolId);
        if (pools.TryReserve(poolId, owner, what, total) is { } full) throw HostPools.ProblemOf(full);
        return new CopyProgress(total, what, run.Report, left => pools.Keep(owner, left));
    }

    private async Task<DiskStatus> FlattenAsync(OperationRun run, DiskCopy copy, string what, CancellationToken cancellation)
    {
        string folder = FolderOf(run.Id, copy);
        Directory.CreateDirectory(folder, DiskFile | UnixFileMode.UserExecute);
        bool raw = copy.Target.Format == DiskFormat.Raw;
        var path = new DiskFilePath(Path.Join(folder, raw ? "disk.raw" : "disk.qcow2"), copy.Target.Format);
        await ConvertAsync(run, disks.PathsOf(copy.SourceId, copy.Source, copy.Layer), copy.Target.Pool, path.Path, raw ? new QemuImgTarget("raw") : QemuImgTarget.Qcow2, what, cancellation);
        DurableFile.SyncDirectory(folder);
        return StatusOf(folder, path, copy.Target);
    }

    private static DiskStatus StatusOf(string folder, DiskFilePath written, DiskSpec target)
    {
        long size = DiskGrowth.SizeOf(written with { Path = Path.Join(folder, Path.GetFileName(written.Path)) });
        return new DiskStatus
        {
            State = ContentState.Ready,
            SizeBytes = Math.Min(size, target.SizeBytes),
            AllocatedBytes = Directory.GetFiles(folder).Sum(AllocatedBytes),
        };
    }

    private static long AllocatedBytes(string path)
    {
        using var file = File.OpenHandle(path);
        return FileFacts.Read(file).AllocatedBytes;
    }

    private string FolderOf(string operation, DiskCopy copy) => Path.Join(pools.PathsOf(copy.Target.Pool).Temporary(operation), copy.TargetId);

    private static SafeFileHandle Open(string path) => File.Exists(path)
        ? File.OpenHandle(path)
        : throw new ProblemException(ProblemKind.Unprocessable, "disk.missing", $"The file {path} is gone.", "Bring the file back from a copy.");

    private static List<QemuImgFile> OpenChain(DiskPaths source)
    {
        var chain = new List<QemuImgFile>();
        foreach (var path in source.Chain)
        {
            var file = Open(path.Path);
            chain.Add(new QemuImgFile(file, path.Format == DiskFormat.Raw ? "raw" : "qcow2"));
            if (File.GetUnixFileMode(file) is var mode && (mode & ReadableFile) != ReadableFile) File.SetUnixFileMode(file, mode | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        return chain;
    }
}
