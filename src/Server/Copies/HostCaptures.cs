using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Images;
using Lamina.Server.Operations;

namespace Lamina.Server.Copies;

/// <summary>Makes images from VMs' disks. The image counts by the commit that ends the operation; one whose making fails is removed as any image is.</summary>
internal sealed class HostCaptures(CopyParts parts, DiskCopier copier, CopySources sources)
{
    public const string Capture = "image.capture";

    /// <summary>Of a Linux guest; said in the log of the operation.</summary>
    private static readonly string[] Identity =
    [
        "The image holds what makes the guest that one and no other: its machine id (/etc/machine-id), SSH host keys (/etc/ssh/ssh_host_*),",
        "cloud-init's state, logs, and whatever accounts and secrets are on the disk. Every VM made from the image has them too.",
        "To take them away first, run in the guest: cloud-init clean --logs --machine-id && rm -f /etc/ssh/ssh_host_* && poweroff; then make the image.",
    ];

    public void Register(OperationExecutor executor) => executor.Register(Capture, CaptureAsync, cancellable: true, AfterRestart.Resume);

    private async Task CaptureAsync(OperationRun run, CancellationToken cancellation)
    {
        var image = parts.Cache.Snapshot.Get(Keys.Images.Spec, run.Request.Target.Id)
            ?? throw new ProblemException(ProblemKind.NotFound, "image.notFound", $"Image {run.Request.Target.Name} is gone.", "Ask for it again.");
        var parameters = run.Request.Parameters ?? [];
        string diskId = (string?)parameters[HostExports.DiskParameter] ?? "";
        var disk = parts.Cache.Snapshot.Get(Keys.Disks.Spec, diskId)
            ?? throw new ProblemException(ProblemKind.NotFound, "disk.notFound", "The disk that the image was to be made from is gone.");
        var work = new ImageWork(run.Id, image.Id, image.Record.Pool, parts.Pools.PathsOf(image.Record.Pool), UserId: 0);
        using var use = await parts.Pools.Temporaries.UseAsync(work.Folder, cancellation);
        try
        {
            await work.BeginAsync(cancellation);
            await sources.ReadAsync(run, (string?)parameters[HostExports.VmParameter] ?? "", (string?)parameters[HostExports.SnapshotParameter], [diskId], (point, token) =>
            {
                var paths = parts.Disks.PathsOf(diskId, disk.Record, point.LayerOf(diskId));
                return copier.ConvertAsync(run, paths, image.Record.Pool, Path.Join(work.Folder, ImageWork.ResultName), QemuImgTarget.Qcow2, $"disk {disk.Record.Name}", token);
            }, cancellation);
            cancellation.ThrowIfCancellationRequested();
            run.SetCancellable(false);
            foreach (string line in Identity) run.Log(line);
            var status = ImageImport.Finished(work, null) with { SourceFormat = "qcow2" };
            work.Place();
            var change = new StoreChange("image.captured").RequireExists(Keys.Images.Spec[image.Id]).Put(Keys.Images.Status, image.Id, status);
            parts.Events.Add(change, new EventDraft
            {
                Kind = "image.captured",
                Message = $"Image {image.Record.Name} was made from disk {disk.Record.Name}.",
                Target = run.Request.Target,
                Project = image.Record.Project,
                Operation = run.Id,
            });
            await run.EndAsync(OperationOutcome.Succeeded, change, CancellationToken.None);
        }
        finally
        {
            parts.Pools.Release(DiskCopier.OwnerOf(run.Id, image.Record.Pool));
            work.End();
        }
    }
}
