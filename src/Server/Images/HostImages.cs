using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Images.Catalogue;
using Lamina.Server.Operations;
using Lamina.Server.Pools;

namespace Lamina.Server.Images;

/// <summary>
/// Carries out the operations of images on this machine. Each can be begun again from its start: what an earlier attempt left is removed first,
/// and the image counts only by the commit that ends the operation.
/// </summary>
internal sealed partial class HostImages(
    Cache cache, HostPools pools, HostUploads uploads, Publisher publisher, ImageDownload download, ContentCopies copies, WorkerUsers users, EventLog events, TimeProvider time,
    ILogger<HostImages> logger)
{
    /// <summary>Of a pull's progress.</summary>
    private const int ShareOfDownload = 60;
    private const int MostAttempts = 5;

    /// <summary>For other hosts to remove their copies of what is deleted.</summary>
    internal static readonly TimeSpan OthersPatience = TimeSpan.FromSeconds(30);

    public const string Import = "image.import";
    public const string Build = "image.build";
    public const string Pull = "image.pull";
    public const string Delete = "image.delete";

    /// <summary>Members of an import's parameters.</summary>
    public const string UploadParameter = "upload";
    public const string Sha256Parameter = "sha256";

    /// <summary>Member of a pull's result: the publisher has nothing newer.</summary>
    public const string UpToDateResult = "upToDate";

    private readonly ImageImport _import = new(pools, time);
    private readonly ImageBuild _build = new(pools, time);

    public void Register(OperationExecutor executor)
    {
        executor.Register(Import, ImportAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Build, BuildAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Pull, PullAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Delete, DeleteAsync, cancellable: false, AfterRestart.Resume);
    }

    /// <summary>How an image is removed whose making failed: see <see cref="UnmadeController{TSpec,TStatus}"/>.</summary>
    public UnmadeKind<ImageSpec, ImageStatus> Unmade => new(
        "image", Keys.Images.Spec, Keys.Images.Status, spec => spec.Making, spec => spec.Name, (id, spec) => RemoveFiles(id, spec.Pool), spec => pools.IsKept(spec.Pool));

    private async Task ImportAsync(OperationRun run, CancellationToken cancellation)
    {
        var uploadId = (string?)run.Request.Parameters?[UploadParameter] ?? "";
        var upload = cache.Snapshot.Get(Keys.Uploads, uploadId)?.Record
            ?? throw new ProblemException(ProblemKind.NotFound, "upload.notFound", $"Upload {uploadId} is gone.", "Upload the file again.");
        using var source = uploads.OpenFinished(uploadId, upload);
        var sha256 = (string?)run.Request.Parameters?[Sha256Parameter];
        var expected = sha256 is null ? null : ContentDigest.Of(sha256);
        await MakeAsync(
            run, work => _import.RunAsync(work, source, expected, run.Report, cancellation), (change, _) => change.Delete(Keys.Uploads[uploadId]), "imported", cancellation);
        uploads.Delete(uploadId, upload.Pool);
    }

    private async Task PullAsync(OperationRun run, CancellationToken cancellation)
    {
        var spec = SpecOf(run).Record;
        run.Report(null, "asking the publisher");
        var file = await publisher.ResolveAsync(spec.Source!, cancellation);
        if (ImageVersions.Holder(cache.Snapshot, spec) is { } holder && cache.Snapshot.Get(Keys.Images.Status, holder.Id)?.Record.PublishedDigest == file.Digest.ToString())
        {
            // The record that was made for the new version has no content, and goes with the end of its operation.
            await run.EndAsync(OperationOutcome.SucceededWith(new JsonObject { [UpToDateResult] = true }), null, cancellation);
            return;
        }

        run.Log($"{file.Url} {file.Digest}");
        var (uploadId, upload) = await download.RunAsync(spec, file, (percent, words) => run.Report(percent * ShareOfDownload / 100, words), cancellation);
        using var source = uploads.OpenFinished(uploadId, upload);
        await MakeAsync(
            run,
            work => _import.RunAsync(work, source, file.Digest, (percent, words) => run.Report(ShareOfDownload + (percent * (100 - ShareOfDownload) / 100), words), cancellation),
            (change, current) => ImageVersions.TakeName(change.Delete(Keys.Uploads[uploadId]), cache.Snapshot, current),
            "pulled",
            cancellation);
        uploads.Delete(uploadId, upload.Pool);
    }

    private async Task BuildAsync(OperationRun run, CancellationToken cancellation)
    {
        var name = SpecOf(run).Record.Recipe ?? "";
        var recipe = ImageRecipes.Find(name)
            ?? throw new ProblemException(ProblemKind.NotFound, "image.recipeUnknown", $"This daemon has no recipe {name}.", "Bring all daemons to the same version.");
        await MakeAsync(run, work => _build.RunAsync(work, recipe, run.Report, run.Log, cancellation), (_, _) => { }, "built", cancellation);
    }

    /// <summary>
    /// The request was committed with <c>spec.deleting</c>, and whoever makes a clone requires the spec unchanged: so every clone there can be
    /// stands in the snapshot that holds the request.
    /// </summary>
    private async Task DeleteAsync(OperationRun run, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Images.Spec, run.Request.Target.Id) is not { } spec) return;
        var clones = ImageRules.ClonesOf(spec.Id, snapshot.All(Keys.Disks.Spec).Select(disk => disk.Record));
        if (ImageRules.RefuseDelete(spec.Record.Name, clones) is { } refusal)
        {
            // The one other writer of a spec: the deletion that it stands for did not happen.
            var back = new StoreChange("image.keep").Update(Keys.Images.Spec, spec.Id, spec.Record with { Deleting = null }, spec.ModRevision);
            await run.EndAsync(OperationOutcome.Failed(refusal), back, cancellation);
            return;
        }

        await copies.WaitForRemovalAsync(ContentKind.Image, spec.Id, OthersPatience, cancellation);
        RemoveFiles(spec.Id, spec.Record.Pool);
        var change = new StoreChange("image.delete")
            .DeletePrefix(Keys.Images.All(spec.Id))
            .Delete(Keys.Names[Keys.NameId(spec.Record.Project, "image", spec.Record.Name)]);
        events.Add(change, Event(run, spec.Record, "deleted"));
        await run.EndAsync(OperationOutcome.Succeeded, change, cancellation);
    }

    private async Task MakeAsync(
        OperationRun run, Func<ImageWork, Task<ImageStatus>> make, Action<StoreChange, CachedRecord<ImageSpec>> complete, string verb, CancellationToken cancellation)
    {
        var spec = SpecOf(run);
        var renting = users.RentAsync(cancellation);
        run.Report(null, renting.IsCompleted ? "preparing" : "waiting for earlier imports and builds");
        using var user = await renting;
        var work = new ImageWork(run.Id, spec.Id, spec.Record.Pool, pools.PathsOf(spec.Record.Pool), user.UserId);
        using var use = await pools.Temporaries.UseAsync(work.Folder, cancellation);
        try
        {
            await work.BeginAsync(cancellation);
            var status = await make(work);
            cancellation.ThrowIfCancellationRequested();
            run.SetCancellable(false);
            work.Place();
            await EndAsync(run, status, complete, verb);
        }
        finally
        {
            pools.Release(run.Id);
            CleanUp(work);
        }
    }

    private async Task EndAsync(OperationRun run, ImageStatus status, Action<StoreChange, CachedRecord<ImageSpec>> complete, string verb)
    {
        for (int attempt = 1; ; attempt++)
        {
            var spec = SpecOf(run);
            var change = new StoreChange("image.ready").RequireExists(Keys.Images.Spec[spec.Id]).Put(Keys.Images.Status, spec.Id, status);
            complete(change, spec);
            events.Add(change, Event(run, spec.Record, verb));
            var result = await run.EndAsync(OperationOutcome.Succeeded, change, CancellationToken.None);
            if (result.Succeeded) return;
            if (attempt == MostAttempts) throw ProblemException.Conflict("image.overtaken", $"Image {spec.Record.Name} was changed again and again while it was made.", "Ask for it again.");
            await cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2));
        }
    }

    private CachedRecord<ImageSpec> SpecOf(OperationRun run) => cache.Snapshot.Get(Keys.Images.Spec, run.Request.Target.Id)
        ?? throw new ProblemException(ProblemKind.NotFound, "image.notFound", $"Image {run.Request.Target.Name} is gone.", "Ask for it again.");

    private void RemoveFiles(string imageId, string poolId)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(poolId).Root);
        root.DeleteDirectory(Path.Join("images", imageId));
    }

    // A failure here must not hide the one that led here; the sweep removes what stays.
    private void CleanUp(ImageWork work)
    {
        try
        {
            work.End();
        }
        catch (Exception problem) when (problem is LinuxException or IOException)
        {
            LogLeft(logger, work.Folder, problem);
        }
    }

    private static EventDraft Event(OperationRun run, ImageSpec spec, string verb) => new()
    {
        Kind = $"image.{verb}",
        Message = $"Image {spec.Name} was {verb}.",
        Target = run.Request.Target,
        Project = spec.Project,
        Operation = run.Id,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder} could not be removed; the sweep will do it")]
    private static partial void LogLeft(ILogger logger, string folder, Exception problem);
}
