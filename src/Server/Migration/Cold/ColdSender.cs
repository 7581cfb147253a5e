using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Pools;

namespace Lamina.Server.Migration.Cold;

/// <summary>
/// Gives the files of a VM at rest to the host that it goes to, over <c>/peer/v1/handovers/{vm}/{nonce}</c>: to that host alone, and only while the source has
/// said that nothing runs and nobody has decided. What was sent is counted here, since the source shows the operation.
/// </summary>
internal sealed class ColdSender(Cache cache, HostPools pools, TimeProvider time)
{
    public const string Manifest = "/peer/v1/handovers/{vm}/{nonce}";
    public const string File = Manifest + "/file";

    private readonly ConcurrentDictionary<string, Sending> _sending = new(StringComparer.Ordinal);

    public void Map(PeerRoutes routes)
    {
        routes.Get(Manifest, async request =>
        {
            var (vmId, record) = Find(request);
            await request.WriteAsync(await Task.Run(() => Describe(vmId, record), request.Aborted), ColdJson.Default.ColdManifest);
        });
        routes.Get(File, SendAsync);
    }

    /// <summary>How far a hand-over's files are; null: nobody has asked for them.</summary>
    public OperationTransfer? ProgressOf(string nonce) => _sending.TryGetValue(nonce, out var known) ? known.Now(time) : null;

    public void Forget(string nonce) => _sending.TryRemove(nonce, out _);

    private ColdManifest Describe(string vmId, VmHandover record)
    {
        var files = new List<ColdFile>();
        foreach (var folder in ColdFolders.Of(vmId, record))
        {
            using var root = RootedDirectory.Open(pools.PathsOf(folder.From).Root);
            Describe(root, folder.Path, files);
        }

        long total = files.Sum(file => file.DataBytes);
        _sending.AddOrUpdate(record.Nonce, _ => new Sending(total, time.GetTimestamp()), (_, known) => known);
        return new ColdManifest { Files = files };
    }

    private static void Describe(RootedDirectory root, string folder, List<ColdFile> files)
    {
        foreach (string name in root.List(folder).Order(StringComparer.Ordinal))
        {
            string path = Path.Join(folder, name);
            switch (root.Find(path))
            {
                case { Kind: FileKind.Directory }:
                    Describe(root, path, files);
                    break;
                case { Kind: FileKind.File } facts:
                    using (var file = root.OpenFile(path, OpenFlags.ReadOnly)) files.Add(new ColdFile { Path = path, SizeBytes = facts.SizeBytes, DataBytes = SparseCopy.DataBytes(file), Mode = (int)facts.Mode });
                    break;
            }
        }
    }

    private async Task SendAsync(PeerRequest request)
    {
        var (vmId, record) = Find(request);
        string path = request.Http.Request.Query["path"].ToString();
        var folder = ColdFolders.Of(vmId, record).FirstOrDefault(folder => path.StartsWith(folder.Path + "/", StringComparison.Ordinal)) ?? throw Gone();
        using var root = RootedDirectory.Open(pools.PathsOf(folder.From).Root);
        using var file = root.OpenFile(path, OpenFlags.ReadOnly);
        request.Http.Response.ContentType = "application/octet-stream";
        var sending = _sending.GetOrAdd(record.Nonce, _ => new Sending(0, time.GetTimestamp()));
        await ColdFrames.WriteAsync(
            file,
            request.Http.Response.Body,
            async count =>
            {
                sending.Add(count);
                if (record.MaxBytesPerSecond is { } rate && TimeSpan.FromSeconds((double)count / rate) is var pause) await Task.Delay(pause, time, request.Aborted);
                // Given up, or another one's by now: what is still on the wire helps nobody.
                if (cache.Snapshot.Get(Keys.Vms.Handover, vmId)?.Record is not { Phase: HandoverPhase.Prepared } now || now.Nonce != record.Nonce) throw Gone();
            },
            request.Aborted);
    }

    private (string VmId, VmHandover Record) Find(PeerRequest request)
    {
        var snapshot = cache.Snapshot;
        string vmId = request.Route("vm");
        bool isMine = snapshot.Get(Keys.Vms.Handover, vmId)?.Record is { Kind: HandoverKind.Cold, Phase: HandoverPhase.Prepared } found
            && found.Nonce == request.Route("nonce") && found.To == request.HostId && found.From == pools.HostId
            && snapshot.Get(Keys.Vms.HandoverSource, vmId)?.Record is { Completed: true } word && word.Nonce == found.Nonce;
        return isMine ? (vmId, snapshot.Get(Keys.Vms.Handover, vmId)!.Record) : throw Gone();
    }

    private static ProblemException Gone() => new(ProblemKind.NotFound, "handover.notFound", "There is no such hand-over here, or it is decided.", "Ask again.");

    /// <summary>What was sent of one hand-over; a file that is sent again counts again, up to the whole.</summary>
    private sealed class Sending(long total, long began)
    {
        private long _sent;

        public void Add(long bytes) => Interlocked.Add(ref _sent, bytes);

        public OperationTransfer Now(TimeProvider time)
        {
            long sent = Interlocked.Read(ref _sent);
            double seconds = time.GetElapsedTime(began).TotalSeconds;
            return new OperationTransfer { TransferredBytes = sent, RemainingBytes = Math.Max(0, total - sent), BytesPerSecond = seconds > 0 ? (long)(sent / seconds) : 0 };
        }
    }
}
