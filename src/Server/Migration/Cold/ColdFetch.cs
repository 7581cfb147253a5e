using System.Diagnostics.CodeAnalysis;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Pools;
using ContentState = Lamina.Server.Migration.Plan.ContentState;

namespace Lamina.Server.Migration.Cold;

/// <summary>
/// Brings the files of a VM at rest here, on a task of its own; the target's hand begins it, looks at how it is, and ends it. A line that breaks is tried again for a
/// while, and goes on with the file that was not whole.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The source has neither a timer nor a wait handle, so nothing is held.")]
internal sealed class ColdFetch(MigrationGround ground, string vmId, VmHandover record, Action wake)
{
    private static readonly TimeSpan LinePatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LinePause = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _whole = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _ending = new();
    private Task _work = Task.CompletedTask;
    private volatile Failure? _failure;
    private volatile bool _isHere;
    private bool _isBegun;

    private string Owner => $"handover-{record.Nonce}";

    public ContentState State => ColdFolders.Of(vmId, record).Count == 0 ? ContentState.NotNeeded
        : _failure is not null ? ContentState.Failed : _isHere ? ContentState.Here : _isBegun ? ContentState.Coming : ContentState.Missing;

    public Failure? Failure => _failure;

    public void Begin()
    {
        _isBegun = true;
        _work = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>Nothing is written any more afterwards.</summary>
    public async Task EndAsync()
    {
        await _ending.CancelAsync();
        await _work;
        foreach (string pool in ColdFolders.Of(vmId, record).Select(folder => folder.To).Distinct()) ground.Pools.Release($"{Owner}/{pool}");
    }

    private async Task RunAsync()
    {
        try
        {
            await BringAsync(_ending.Token);
            _isHere = true;
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            return;
        }
        catch (Exception failure)
        {
            _failure = failure is ProblemException known ? known.ToFailure() : new Failure { Code = "migration.filesNotBrought", Message = $"The files of the VM could not be brought over: {failure.Message}.", Remedy = "Look at the pools of both hosts, and ask again. Nothing has changed." };
        }
        finally
        {
            wake();
        }
    }

    private async Task BringAsync(CancellationToken cancellation)
    {
        Clear();
        foreach (var disk in record.Disks)
        {
            if (ground.Now.Get(Keys.Disks.Spec, disk.Disk)?.Record.Image is { } image) await ground.Copies.EnsureAsync(ContentKind.Image, image, disk.To, null, cancellation);
        }

        long lastWhole = ground.Host.Time.GetTimestamp();
        int whole = 0;
        while (true)
        {
            try
            {
                await BringFilesAsync(cancellation);
                return;
            }
            catch (Exception broken) when (broken is HttpRequestException or EndOfStreamException or HttpIOException && !cancellation.IsCancellationRequested)
            {
                if (_whole.Count > whole) (whole, lastWhole) = (_whole.Count, ground.Host.Time.GetTimestamp());
                if (ground.Host.Time.GetElapsedTime(lastWhole) > LinePatience) throw;
                await Task.Delay(LinePause, ground.Host.Time, cancellation);
            }
        }
    }

    /// <summary>What an earlier daemon has left of this or another attempt goes; what nobody has noted is in the way.</summary>
    private void Clear()
    {
        ground.Arrivals.Remove(vmId);
        if (record.Home is { } home) ground.Arrivals.ClearHome(vmId, home);
        foreach (var folder in ColdFolders.Of(vmId, record))
        {
            using var root = RootedDirectory.Open(ground.Pools.PathsOf(folder.To).Root);
            if (root.Find(folder.Path) is not null) throw ProblemException.Conflict(
                "migration.inTheWay", $"There are files already where those of the VM shall lie: {Path.Join(root.FullPath, folder.Path)}.", "Look at what they are (lamina pool show), and remove them by hand if nobody needs them.");
        }

        ground.Arrivals.Note(vmId, record);
        CrashPoints.Reached("handover", "cold", "noted");
    }

    private async Task BringFilesAsync(CancellationToken cancellation)
    {
        if (ground.Peers.Find(record.From) is not { } peer) throw new HttpRequestException($"Host '{ground.Now.HostName(record.From)}' is not reached.");
        string path = ColdSender.Manifest.Replace("{vm}", vmId, StringComparison.Ordinal).Replace("{nonce}", record.Nonce, StringComparison.Ordinal);
        ColdManifest manifest;
        using (var answer = await AskAsync(peer, path, cancellation)) manifest = await PeerJson.ReadAsync(answer, ColdJson.Default.ColdManifest, cancellation);
        foreach (var folder in ColdFolders.Of(vmId, record))
        {
            var files = manifest.Files.Where(file => file.Path.StartsWith(folder.Path + "/", StringComparison.Ordinal)).ToList();
            Reserve(folder.To, manifest);
            using var root = RootedDirectory.Open(ground.Pools.PathsOf(folder.To).Root);
            foreach (var file in files.Where(file => !_whole.Contains(file.Path)))
            {
                await BringAsync(root, peer, $"{path}/file?path={Uri.EscapeDataString(file.Path)}", file, cancellation);
                _whole.Add(file.Path);
            }

            foreach (string made in files.Select(file => Path.GetDirectoryName(file.Path)!).Distinct()) DurableFile.SyncDirectory(Path.Join(root.FullPath, made));
        }
    }

    private void Reserve(string pool, ColdManifest manifest)
    {
        var here = ColdFolders.Of(vmId, record).Where(folder => folder.To == pool).ToList();
        long left = manifest.Files.Where(file => !_whole.Contains(file.Path) && here.Any(folder => file.Path.StartsWith(folder.Path + "/", StringComparison.Ordinal))).Sum(file => file.DataBytes);
        if (ground.Pools.TryReserve(pool, $"{Owner}/{pool}", "the files of the VM", left) is { } full) throw HostPools.ProblemOf(full);
    }

    private static async Task BringAsync(RootedDirectory root, PeerAddress peer, string address, ColdFile file, CancellationToken cancellation)
    {
        string folder = "";
        foreach (string part in Path.GetDirectoryName(file.Path)!.Split('/')) root.CreateDirectory(folder = folder.Length == 0 ? part : Path.Join(folder, part));
        using var target = root.OpenFile(file.Path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate, (UnixFileMode)(file.Mode & 0x1FF));
        using var answer = await AskAsync(peer, address, cancellation);
        await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
        await ColdFrames.ReadAsync(body, target, file.SizeBytes, static _ => { }, cancellation);
    }

    private static async Task<HttpResponseMessage> AskAsync(PeerAddress peer, string path, CancellationToken cancellation)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, new Uri(peer.Base, path));
        var answer = await peer.Invoker.SendAsync(message, cancellation);
        if (answer.IsSuccessStatusCode) return answer;
        using (answer) throw new HttpRequestException($"The other host answers {(int)answer.StatusCode}.");
    }
}
