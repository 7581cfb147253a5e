using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Bench;

/// <summary>QEMU with the arguments that Lamina gives it, and the steps of a snapshot over its monitor, with nothing in between.</summary>
internal sealed class BareSnapshotGuest : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly ChildProcess _process;
    private readonly BareMonitor _monitor;
    private string _top = "disk0";
    private int _layers;

    private BareSnapshotGuest(string folder, ChildProcess process) => (_folder, _process, _monitor) = (folder, process, new BareMonitor(process));

    public int ProcessId => _process.ProcessId;

    /// <param name="laminaArguments">Of the guest that it shall be like, with the program first; it has one disk, a kernel and no card.</param>
    /// <param name="media">The folder of the kernel.</param>
    /// <param name="folder">For its files; made here.</param>
    /// <param name="diskBytes">Of its disk.</param>
    public static async Task<BareSnapshotGuest> StartAsync(IReadOnlyList<string> laminaArguments, string media, string folder, long diskBytes)
    {
        Directory.CreateDirectory(folder);
        await MakeLayerAsync(Path.Join(folder, "disk.qcow2"), diskBytes);
        var process = ChildProcess.Spawn(new ChildSpec { Program = laminaArguments[0], Arguments = [.. BareFiles.Turn(laminaArguments, Named(media, folder)).Skip(1)], StandardError = ChildOutput.Tail(2000) });
        var guest = new BareSnapshotGuest(folder, process);
        try
        {
            await guest._monitor.OpenAsync(Path.Join(folder, "qmp.sock"));
            await guest.ResumeAsync();
            return guest;
        }
        catch (Exception)
        {
            await guest.DisposeAsync();
            throw;
        }
    }

    private string MemoryPath => Path.Join(_folder, $"memory{_layers}");

    public string Serial => Path.Join(_folder, "serial");

    public Task PauseAsync() => _monitor.SendAsync("""{"execute":"stop"}""");

    public Task ResumeAsync() => _monitor.SendAsync("""{"execute":"cont"}""");

    /// <summary>An empty layer for the next snapshot, made beforehand.</summary>
    /// <returns>Its path.</returns>
    public async Task<string> MakeLayerAsync(long diskBytes)
    {
        string path = Path.Join(_folder, $"layer{++_layers}.qcow2");
        await MakeLayerAsync(path, diskBytes);
        return path;
    }

    /// <summary>The steps that Lamina takes, in its order.</summary>
    public async Task SnapshotAsync(string layer, bool withMemory)
    {
        string node = $"layer{_layers}";
        await _monitor.SendAsync($$$"""{"execute":"blockdev-add","arguments":{"driver":"file","node-name":"{{{node}}}-file","filename":"{{{layer}}}","locking":"on","read-only":false,"cache":{"direct":false},"discard":"unmap"}}""");
        await _monitor.SendAsync($$$"""{"execute":"blockdev-add","arguments":{"driver":"qcow2","node-name":"{{{node}}}","file":"{{{node}}}-file","backing":null,"read-only":false,"cache":{"direct":false},"discard":"unmap"}}""");
        using var memory = withMemory ? File.OpenHandle(MemoryPath, FileMode.CreateNew, FileAccess.Write) : null;
        if (memory is not null) await SaveMemoryAsync(memory);
        await _monitor.SendAsync($$$"""{"execute":"transaction","arguments":{"actions":[{"type":"blockdev-snapshot","data":{"node":"{{{_top}}}","overlay":"{{{node}}}"}}]}}""");
        if (withMemory) await ResumeAsync();
        _top = node;
    }

    /// <summary>Waits until the last snapshot is on its disk.</summary>
    public void Sync(string layer, bool withMemory)
    {
        foreach (string path in withMemory ? [layer, MemoryPath] : new[] { layer })
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
            RandomAccess.FlushToDisk(file);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Send(Signal.Kill);
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _process.Dispose();
        _monitor.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static BareNames Named(string media, string folder) => new()
    {
        Kernel = Path.Join(media, "vmlinuz"), Initrd = Path.Join(media, "initrd.gz"), Disk = Path.Join(folder, "disk.qcow2"), Folder = folder,
    };

    private static Task MakeLayerAsync(string path, long bytes) => Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", path, $"{bytes}");

    private async Task SaveMemoryAsync(SafeFileHandle file)
    {
        await _monitor.SendAsync("""{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"events","state":true}]}}""");
        await _monitor.SendAsync("""{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":1099511627776,"downtime-limit":300}}""");
        await _monitor.SendAsync("""{"execute":"getfd","arguments":{"fdname":"memory"}}""", file);
        await _monitor.SendAsync("""{"execute":"migrate","arguments":{"uri":"fd:memory"}}""");
        await _monitor.MigrationAsync("completed");
    }
}
