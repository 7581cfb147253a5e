using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Images;
using Lamina.Server.Images.Catalogue;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Isos;

/// <summary>
/// Takes finished uploads over as media: checksum, kind, then a rename. Safe to begin again: what an earlier attempt has renamed already is
/// found in its new place.
/// </summary>
internal sealed class HostIsos(Cache cache, HostPools pools, HostUploads uploads, ContentCopies copies, EventLog events, OperatingSystemDatabase systems)
{
    public const string Create = "iso.create";
    public const string Delete = "iso.delete";

    private const string FileName = "medium";

    public void Register(OperationExecutor executor)
    {
        executor.Register(Create, CreateAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Delete, DeleteAsync, cancellable: false, AfterRestart.Resume);
    }

    /// <summary>How a medium is removed whose taking-over failed.</summary>
    public UnmadeKind<IsoSpec, IsoStatus> Unmade => new(
        "iso", Keys.Isos.Spec, Keys.Isos.Status, spec => spec.Making, spec => spec.Name, (id, spec) => RemoveFiles(id, spec.Pool), spec => pools.IsKept(spec.Pool));

    private async Task CreateAsync(OperationRun run, CancellationToken cancellation)
    {
        var spec = cache.Snapshot.Get(Keys.Isos.Spec, run.Request.Target.Id)
            ?? throw new ProblemException(ProblemKind.NotFound, "iso.notFound", $"Medium {run.Request.Target.Name} is gone.", "Ask for it again.");
        var uploadId = (string?)run.Request.Parameters?[HostImages.UploadParameter] ?? "";
        using var root = RootedDirectory.Open(pools.PathsOf(spec.Record.Pool).Root);
        using var file = Open(root, spec.Id, uploadId);
        var expected = (string?)run.Request.Parameters?[HostImages.Sha256Parameter] is { } given ? ContentDigest.Of(given) : null;
        var sha256 = await UploadHash.ComputeAsync(file, expected, percent => run.Report(percent, "computing the checksum"), cancellation);
        var check = IsoMedia.Check(spec.Record.Kind, UploadHash.ReadStart(file, IsoMedia.StartBytes), RandomAccess.GetLength(file));
        if (check.Refusal is { } refusal) throw new ProblemException(ProblemKind.Unprocessable, "iso.refused", refusal, "The upload is kept: delete it, or upload it as what it is.");
        cancellation.ThrowIfCancellationRequested();

        run.SetCancellable(false);
        Place(root, spec.Id, uploadId);
        var status = new IsoStatus { State = ContentState.Ready, SizeBytes = RandomAccess.GetLength(file), Sha256 = sha256, Label = check.Label, OperatingSystem = OperatingSystemOf(check) };
        var change = new StoreChange("iso.ready")
            .RequireExists(Keys.Isos.Spec[spec.Id])
            .Put(Keys.Isos.Status, spec.Id, status)
            .Delete(Keys.Uploads[uploadId]);
        events.Add(change, Event(run, spec.Record, "uploaded"));
        await run.EndAsync(OperationOutcome.Succeeded, change, CancellationToken.None);
        pools.Release(uploadId);
    }

    /// <summary>See <see cref="HostImages"/>: every VM that can have the medium stands in the snapshot that holds the request.</summary>
    private async Task DeleteAsync(OperationRun run, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Isos.Spec, run.Request.Target.Id) is not { } spec) return;
        var users = IsoRules.UsersOf(spec.Id, snapshot.All(Keys.Vms.Spec).Select(vm => vm.Record));
        if (IsoRules.RefuseDelete(spec.Record.Name, users) is { } refusal)
        {
            var back = new StoreChange("iso.keep").Update(Keys.Isos.Spec, spec.Id, spec.Record with { Deleting = null }, spec.ModRevision);
            await run.EndAsync(OperationOutcome.Failed(refusal), back, cancellation);
            return;
        }

        await copies.WaitForRemovalAsync(ContentKind.Iso, spec.Id, HostImages.OthersPatience, cancellation);
        RemoveFiles(spec.Id, spec.Record.Pool);
        var change = new StoreChange("iso.delete")
            .DeletePrefix(Keys.Isos.All(spec.Id))
            .Delete(Keys.Names[Keys.NameId(spec.Record.Project, "iso", spec.Record.Name)]);
        events.Add(change, Event(run, spec.Record, "deleted"));
        await run.EndAsync(OperationOutcome.Succeeded, change, cancellation);
    }

    private string? OperatingSystemOf(IsoMediaCheck check) => check.Volume is { } volume ? systems.Catalogue.Detect(volume)?.Id : null;

    private SafeFileHandle Open(RootedDirectory root, string isoId, string uploadId)
    {
        if (root.Find(PathOf(isoId)) is not null) return root.OpenFile(PathOf(isoId), OpenFlags.ReadOnly);
        var upload = cache.Snapshot.Get(Keys.Uploads, uploadId)?.Record
            ?? throw new ProblemException(ProblemKind.NotFound, "upload.notFound", $"Upload {uploadId} is gone.", "Upload the file again.");
        return uploads.OpenFinished(uploadId, upload);
    }

    private static void Place(RootedDirectory root, string isoId, string uploadId)
    {
        if (root.Find(PathOf(isoId)) is not null) return;
        root.CreateDirectory(Path.Join("isos", isoId));
        root.Rename(HostUploads.NameOf(uploadId), PathOf(isoId));
        using var file = root.OpenFile(PathOf(isoId), OpenFlags.ReadOnly);
        File.SetUnixFileMode(file, ImageWork.ReadOnlyFile);
    }

    private void RemoveFiles(string isoId, string poolId)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(poolId).Root);
        root.DeleteDirectory(Path.Join("isos", isoId));
    }

    private static string PathOf(string isoId) => Path.Join("isos", isoId, FileName);

    private static EventDraft Event(OperationRun run, IsoSpec spec, string verb) => new()
    {
        Kind = $"iso.{verb}",
        Message = $"Medium {spec.Name} was {verb}.",
        Target = run.Request.Target,
        Project = spec.Project,
        Operation = run.Id,
    };
}
