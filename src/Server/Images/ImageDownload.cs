using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Images.Catalogue;
using Lamina.Server.Pools;
using Lamina.Server.Store;

namespace Lamina.Server.Images;

/// <summary>
/// Brings a publisher's file into an upload, as a client would: its room is reserved before the first byte, and what has come survives a broken line, a
/// cancelled pull and the end of the daemon. The next pull of the same file goes on from there.
/// </summary>
internal sealed class ImageDownload(IStore store, Cache cache, HostPools pools, HostUploads uploads, Publisher publisher, TimeProvider time)
{
    /// <summary>So many broken lines in a row, without a byte between them, end it.</summary>
    private const int MostFailures = 5;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StallPatience = TimeSpan.FromSeconds(60);

    /// <summary>Downloads the file.</summary>
    /// <param name="image">For which image: its project and pool.</param>
    /// <param name="file">What.</param>
    /// <param name="report">Told percent and words.</param>
    /// <param name="cancellation">Leaves what has come.</param>
    /// <returns>The finished upload.</returns>
    /// <exception cref="ProblemException">The pool is full, or the publisher fails again and again.</exception>
    public async Task<(string Id, UploadSpec Spec)> RunAsync(ImageSpec image, PublishedFile file, Action<int?, string> report, CancellationToken cancellation)
    {
        var (id, spec) = Known(image, file) ?? await BeginAsync(image, file, cancellation);
        for (int failures = 0; uploads.OffsetOf(id, spec) is var offset && offset < spec.SizeBytes;)
        {
            var broken = await TryAppendAsync(id, spec, file.Url, offset, report, cancellation);
            bool moved = uploads.OffsetOf(id, spec) > offset;
            failures = moved ? 0 : failures + 1;
            if (failures == MostFailures) throw broken as ProblemException ?? new ProblemException(
                ProblemKind.Unavailable, "image.downloadBroken", $"{file.Url} broke off at {Sizes.Format(offset)} of {Sizes.Format(spec.SizeBytes)}: {broken?.Message ?? "the publisher sends no more"}",
                "Pull it again later: it goes on from there for a day.", broken);
            if (!moved) await Task.Delay(TimeSpan.FromSeconds(1 << failures), time, cancellation);
        }

        return (id, spec);
    }

    private (string Id, UploadSpec Spec)? Known(ImageSpec image, PublishedFile file)
    {
        var known = cache.Snapshot.All(Keys.Uploads).FirstOrDefault(upload =>
            uploads.IsMine(upload.Record) && upload.Record.DownloadUrl == file.Url.AbsoluteUri && upload.Record.DownloadDigest == file.Digest.ToString()
            && upload.Record.Pool == image.Pool && upload.Record.Project == image.Project);
        return known is null ? null : (known.Id, known.Record);
    }

    private async Task<(string Id, UploadSpec Spec)> BeginAsync(ImageSpec image, PublishedFile file, CancellationToken cancellation)
    {
        string id = Guid.CreateVersion7().ToString();
        var spec = new UploadSpec
        {
            Project = image.Project,
            Pool = image.Pool,
            Host = pools.HostId,
            SizeBytes = await publisher.SizeAsync(file.Url, cancellation),
            CreatedAt = time.GetUtcNow(),
            DownloadUrl = file.Url.AbsoluteUri,
            DownloadDigest = file.Digest.ToString(),
        };
        if (pools.TryReserve(image.Pool, id, $"the download of {image.Name}", spec.SizeBytes) is { } full) throw HostPools.ProblemOf(full);
        try
        {
            var result = await new StoreChange("upload.download").Create(Keys.Uploads, id, spec).CommitAsync(store, time, cancellation);
            await cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2), cancellation);
            return (id, spec);
        }
        catch
        {
            pools.Release(id);
            throw;
        }
    }

    /// <summary>Null: all has come, or the publisher closed the line in peace.</summary>
    private async Task<Exception?> TryAppendAsync(string id, UploadSpec spec, Uri url, long offset, Action<int?, string> report, CancellationToken cancellation)
    {
        using var stalled = new CancellationTokenSource();
        using var ended = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stalled.Token);
        var watching = WatchAsync(id, spec, report, stalled, ended.Token);
        try
        {
            await using var body = await publisher.OpenAsync(url, offset, either.Token);
            await uploads.AppendAsync(id, spec, offset, body, either.Token);
            return null;
        }
        catch (OperationCanceledException) when (stalled.IsCancellationRequested)
        {
            return new IOException($"nothing came for {StallPatience.TotalSeconds} s");
        }
        catch (Exception broken) when (!cancellation.IsCancellationRequested && broken is HttpRequestException or IOException or ProblemException { Kind: ProblemKind.Unavailable })
        {
            return broken;
        }
        finally
        {
            await ended.CancelAsync();
            await watching;
        }
    }

    /// <summary>Reports how much has come, and gives up a line on which nothing comes.</summary>
    private async Task WatchAsync(string id, UploadSpec spec, Action<int?, string> report, CancellationTokenSource stalled, CancellationToken ended)
    {
        long last = -1;
        long since = time.GetTimestamp();
        while (!ended.IsCancellationRequested)
        {
            long offset = uploads.OffsetOf(id, spec);
            if (offset != last) (last, since) = (offset, time.GetTimestamp());
            else if (time.GetElapsedTime(since) > StallPatience) await stalled.CancelAsync();
            report((int)(100 * offset / spec.SizeBytes), $"downloading {Sizes.Format(offset)} of {Sizes.Format(spec.SizeBytes)}");
            await Task.Delay(LookInterval, time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
