using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Images;
using Lamina.Server.Operations;

namespace Lamina.Server.Copies;

/// <summary>An export that waits to be fetched.</summary>
/// <param name="Path">The file, in the operation's folder in the pool.</param>
/// <param name="Project">Of the VM.</param>
/// <param name="EndedAt">From when on it waits.</param>
/// <param name="Use">Keeps the sweep off.</param>
internal sealed record ReadyExport(string Path, string Project, DateTimeOffset EndedAt, IDisposable Use);

/// <summary>
/// Writes a VM's disk as a file of any format, which waits in the pool until it is fetched and deleted, for a day at most. No record speaks of it: a
/// restart of the daemon forgets it, and the sweep removes it.
/// </summary>
internal sealed class HostExports(CopyParts parts, DiskCopier copier, CopySources sources) : IDisposable
{
    public const string Export = "vm.export";

    /// <summary>Members of the parameters.</summary>
    public const string VmParameter = "vm";
    public const string DiskParameter = "disk";
    public const string SnapshotParameter = "snapshot";
    public const string FormatParameter = "format";
    public const string CompressParameter = "compress";

    /// <summary>Member of the result.</summary>
    public const string SizeResult = "sizeBytes";

    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);
    private readonly ConcurrentDictionary<string, ReadyExport> _ready = new(StringComparer.Ordinal);

    public void Register(OperationExecutor executor, Sweeper sweeper)
    {
        executor.Register(Export, ExportAsync, cancellable: true, AfterRestart.Resume);
        sweeper.Register("exports", _ => Task.FromResult(GiveUp()));
    }

    /// <summary>Null: there is none, or not any more.</summary>
    public ReadyExport? Find(string operation) => _ready.GetValueOrDefault(operation);

    /// <summary>Removes the file; one that is gone is no error.</summary>
    public void Delete(string operation)
    {
        if (!_ready.TryRemove(operation, out var export)) return;
        Directory.Delete(Path.GetDirectoryName(export.Path)!, recursive: true);
        export.Use.Dispose();
    }

    public void Dispose()
    {
        foreach (string operation in _ready.Keys) Delete(operation);
    }

    /// <summary>QEMU's name of a format with its options (pure).</summary>
    internal static QemuImgTarget FormOf(ExportFormat format, bool compress) => format switch
    {
        ExportFormat.Qcow2 => QemuImgTarget.Qcow2 with { Compress = compress },
        ExportFormat.Vmdk => new QemuImgTarget("vmdk", "subformat=streamOptimized"),
        ExportFormat.Vhdx => new QemuImgTarget("vhdx", "subformat=dynamic"),
        ExportFormat.Vdi => new QemuImgTarget("vdi"),
        _ => new QemuImgTarget("raw"),
    };

    private async Task ExportAsync(OperationRun run, CancellationToken cancellation)
    {
        var parameters = run.Request.Parameters ?? [];
        string vmId = run.Request.Target.Id;
        string diskId = (string?)parameters[DiskParameter] ?? "";
        string? snapshot = (string?)parameters[SnapshotParameter];
        var disk = parts.Cache.Snapshot.Get(Keys.Disks.Spec, diskId)
            ?? throw new ProblemException(ProblemKind.NotFound, "disk.notFound", "The disk that was to be exported is gone.");
        var format = Enum.Parse<ExportFormat>((string?)parameters[FormatParameter] ?? "", ignoreCase: true);
        var form = FormOf(format, (bool?)parameters[CompressParameter] ?? false);
        var pool = parts.Pools.PathsOf(disk.Record.Pool);
        string folder = pool.Temporary(run.Id);
        var use = await parts.Pools.Temporaries.UseAsync(folder, cancellation);
        try
        {
            await ToolLeftovers.EndAsync(run.Id, cancellation);
            Remake(pool.Root, folder);
            string path = Path.Join(folder, "export");
            await sources.ReadAsync(run, vmId, snapshot, [diskId], async (point, token) =>
            {
                var paths = parts.Disks.PathsOf(diskId, disk.Record, point.LayerOf(diskId));
                await copier.ConvertAsync(run, paths, disk.Record.Pool, path, form, $"disk {disk.Record.Name}", token);
            }, cancellation);
            parts.Pools.Release(DiskCopier.OwnerOf(run.Id, disk.Record.Pool));
            _ready[run.Id] = new ReadyExport(path, run.Request.Project, parts.Time.GetUtcNow(), use);
            var change = new StoreChange("vm.exported");
            parts.Events.Add(change, new EventDraft
            {
                Kind = "vm.exported",
                Message = $"Disk {disk.Record.Name} of VM '{run.Request.Target.Name}' was exported as {format.ToString().ToLowerInvariant()}.",
                Target = run.Request.Target,
                Project = run.Request.Project,
                Operation = run.Id,
            });
            await run.EndAsync(OperationOutcome.SucceededWith(new JsonObject { [SizeResult] = new FileInfo(path).Length }), change, CancellationToken.None);
        }
        catch
        {
            parts.Pools.Release(DiskCopier.OwnerOf(run.Id, disk.Record.Pool));
            _ready.TryRemove(run.Id, out _);
            using (var root = RootedDirectory.Open(pool.Root)) root.DeleteDirectory(Path.GetFileName(folder));
            use.Dispose();
            throw;
        }
    }

    private SweepReport GiveUp()
    {
        var now = parts.Time.GetUtcNow();
        string[] old = [.. _ready.Where(export => now - export.Value.EndedAt > KeptFor).Select(export => export.Key)];
        foreach (string operation in old) Delete(operation);
        return new SweepReport { Removed = [.. old.Select(operation => $"export {operation}, not fetched for a day")] };
    }

    private static void Remake(string poolRoot, string folder)
    {
        using var root = RootedDirectory.Open(poolRoot);
        root.DeleteDirectory(Path.GetFileName(folder));
        root.CreateDirectory(Path.GetFileName(folder));
    }
}
