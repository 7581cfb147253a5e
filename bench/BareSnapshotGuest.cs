using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Bench;

/// <summary>QEMU with the arguments that Lamina gives it, and the steps of a snapshot over its monitor, with nothing in between.</summary>
internal sealed partial class BareSnapshotGuest : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly ChildProcess _process;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private StreamReader _answers = StreamReader.Null;
    private string _top = "disk0";
    private int _layers;

    private BareSnapshotGuest(string folder, ChildProcess process) => (_folder, _process) = (folder, process);

    public int ProcessId => _process.ProcessId;

    /// <param name="laminaArguments">Of the guest that it shall be like, with the program first; it has one disk, a kernel and no card.</param>
    /// <param name="media">The folder of the kernel.</param>
    /// <param name="folder">For its files; made here.</param>
    /// <param name="diskBytes">Of its disk.</param>
    public static async Task<BareSnapshotGuest> StartAsync(IReadOnlyList<string> laminaArguments, string media, string folder, long diskBytes)
    {
        Directory.CreateDirectory(folder);
        await MakeLayerAsync(Path.Join(folder, "disk.qcow2"), diskBytes);
        var process = ChildProcess.Spawn(new ChildSpec { Program = laminaArguments[0], Arguments = [.. Turn(laminaArguments, media, folder).Skip(1)], StandardError = ChildOutput.Tail(2000) });
        var guest = new BareSnapshotGuest(folder, process);
        try
        {
            await guest.OpenAsync();
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

    public Task PauseAsync() => ExecuteAsync("""{"execute":"stop"}""");

    public Task ResumeAsync() => ExecuteAsync("""{"execute":"cont"}""");

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
        await ExecuteAsync($$$"""{"execute":"blockdev-add","arguments":{"driver":"file","node-name":"{{{node}}}-file","filename":"{{{layer}}}","locking":"on","read-only":false,"cache":{"direct":false},"discard":"unmap"}}""");
        await ExecuteAsync($$$"""{"execute":"blockdev-add","arguments":{"driver":"qcow2","node-name":"{{{node}}}","file":"{{{node}}}-file","backing":null,"read-only":false,"cache":{"direct":false},"discard":"unmap"}}""");
        using var memory = withMemory ? File.OpenHandle(MemoryPath, FileMode.CreateNew, FileAccess.Write) : null;
        if (memory is not null) await SaveMemoryAsync(memory);
        await ExecuteAsync($$$"""{"execute":"transaction","arguments":{"actions":[{"type":"blockdev-snapshot","data":{"node":"{{{_top}}}","overlay":"{{{node}}}"}}]}}""");
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
        _answers.Dispose();
        _socket.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static Task MakeLayerAsync(string path, long bytes) => Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", path, $"{bytes}");

    private async Task OpenAsync()
    {
        var address = new UnixDomainSocketEndPoint(Path.Join(_folder, "qmp.sock"));
        long begun = TimeProvider.System.GetTimestamp();
        while (!_socket.Connected)
        {
            try
            {
                await _socket.ConnectAsync(address);
            }
            catch (SocketException) when (TimeProvider.System.GetElapsedTime(begun) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20));
            }
        }

        _answers = new StreamReader(new NetworkStream(_socket), Encoding.UTF8);
        await ExecuteAsync("""{"execute":"qmp_capabilities"}""");
        await ResumeAsync();
    }

    private async Task SaveMemoryAsync(SafeFileHandle file)
    {
        await ExecuteAsync("""{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"events","state":true}]}}""");
        await ExecuteAsync("""{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":1099511627776,"downtime-limit":300}}""");
        await ExecuteAsync("""{"execute":"getfd","arguments":{"fdname":"memory"}}""", file);
        await ExecuteAsync("""{"execute":"migrate","arguments":{"uri":"fd:memory"}}""");
        await ReadUntilAsync(message => message.TryGetProperty("data", out var data) && data.TryGetProperty("status", out var status) && status.ValueEquals("completed"));
    }

    private async Task ExecuteAsync(string command, params IReadOnlyList<SafeFileHandle> files)
    {
        await FdPassing.SendAsync(_socket, Encoding.UTF8.GetBytes(command), files, CancellationToken.None);
        await ReadUntilAsync(message => message.TryGetProperty("return", out _));
    }

    private async Task ReadUntilAsync(Func<JsonElement, bool> isIt)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            string line = await _answers.ReadLineAsync(deadline.Token) ?? throw new InvalidOperationException($"QEMU has ended: {Encoding.UTF8.GetString(_process.StandardError)}");
            using var message = JsonDocument.Parse(line);
            if (message.RootElement.TryGetProperty("error", out var error)) throw new InvalidOperationException($"QEMU: {error.GetRawText()}");
            if (isIt(message.RootElement)) return;
        }
    }

    /// <summary>Files and sockets by name in place of open ones; the rest as it is.</summary>
    private static IEnumerable<string> Turn(IReadOnlyList<string> arguments, string media, string folder)
    {
        for (int index = 0; index < arguments.Count; index++)
        {
            if (arguments[index] == "-add-fd")
            {
                index++;
                continue;
            }

            string before = index > 0 ? arguments[index - 1] : "";
            yield return before switch
            {
                "-kernel" => Path.Join(media, "vmlinuz"),
                "-initrd" => Path.Join(media, "initrd.gz"),
                "-chardev" when arguments[index].StartsWith("socket,id=serial0,", StringComparison.Ordinal) => $"file,id=serial0,path={Path.Join(folder, "serial")}",
                "-chardev" => ListeningSocket().Replace(arguments[index], $"socket,id=$1,path={folder}/$1.sock"),
                "-blockdev" => FileSet().Replace(arguments[index], Path.Join(folder, "disk.qcow2")),
                _ => arguments[index],
            };
        }
    }

    [GeneratedRegex("^socket,id=([a-z0-9-]+),fd=[0-9]+")]
    private static partial Regex ListeningSocket();

    [GeneratedRegex("/dev/fdset/[0-9]+")]
    private static partial Regex FileSet();
}
