using System.IO.Pipes;
using System.Text;
using Lamina.Linux.Processes;

namespace Lamina.Bench;

/// <summary>The guest as libvirt runs it: a private libvirtd, and one virsh that keeps its connection and is fed with commands.</summary>
internal sealed class LibvirtGuest : IAsyncDisposable
{
    private const string Name = "bench";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _daemon;
    private readonly ChildProcess _virsh;
    private readonly AnonymousPipeServerStream _commands = new(PipeDirection.Out, HandleInheritability.None);
    private readonly AnonymousPipeServerStream _answers = new(PipeDirection.In, HandleInheritability.None);

    private LibvirtGuest(ChildProcess daemon)
    {
        _daemon = daemon;
        // Without a terminal virsh would keep its answers in a buffer.
        _virsh = ChildProcess.Spawn(new ChildSpec
        {
            Program = "nsenter",
            Arguments = ["-t", $"{daemon.ProcessId}", "-m", "stdbuf", "-o0", "virsh", "-c", "qemu:///system"],
            StandardInput = _commands.ClientSafePipeHandle,
            StandardOutput = ChildOutput.To(_answers.ClientSafePipeHandle),
            StandardError = ChildOutput.To(_answers.ClientSafePipeHandle),
        });
        _commands.DisposeLocalCopyOfClientHandle();
        _answers.DisposeLocalCopyOfClientHandle();
    }

    public static async Task<LibvirtGuest> OpenAsync(string scripts, string folder, string machine)
    {
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        await using var log = new FileStream(Path.Join(folder, "libvirtd.out"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        var daemon = ChildProcess.Spawn(new ChildSpec
        {
            Program = "unshare",
            Arguments = ["-m", "-p", "-f", "--kill-child", "--mount-proc", Path.Join(scripts, "libvirtd-private.sh"), folder],
            StandardOutput = ChildOutput.To(log.SafeFileHandle),
            StandardError = ChildOutput.To(log.SafeFileHandle),
        });
        await ListeningAsync(folder);
        var guest = new LibvirtGuest(daemon);
        try
        {
            await guest.DefineAsync(folder, machine);
            return guest;
        }
        catch
        {
            await guest.DisposeAsync();
            throw;
        }
    }

    /// <summary>Milliseconds from the command to virsh's "started".</summary>
    public Task<double> StartAsync() => DoAsync($"start {Name}", "started");

    public Task StopAsync() => DoAsync($"destroy {Name}", "destroyed");

    public async ValueTask DisposeAsync()
    {
        await _commands.DisposeAsync();
        await _virsh.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _virsh.Dispose();
        _daemon.Send(Signal.Kill);
        await _daemon.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _daemon.Dispose();
        await _answers.DisposeAsync();
    }

    private static async Task ListeningAsync(string folder)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (!File.Exists(Path.Join(folder, "run", "libvirt-sock")))
        {
            if (TimeProvider.System.GetElapsedTime(begun) > Patience) throw new InvalidOperationException($"libvirtd does not listen: {await File.ReadAllTextAsync(Path.Join(folder, "libvirtd.out"))}");
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }

    private async Task DefineAsync(string folder, string machine)
    {
        string overlay = Path.Join(folder, "disk.qcow2"), image = Path.Join(folder, "base.qcow2"), definition = Path.Join(folder, "bench.xml");
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", image, "1G");
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, overlay);
        await File.WriteAllTextAsync(definition, LibvirtDomain.Xml(new LibvirtWish { Name = Name, Machine = machine, Disk = overlay, Image = image, Bridge = BareGuest.Bridge }));
        await DoAsync($"define {definition}", "defined from");
    }

    private async Task<double> DoAsync(string command, string success)
    {
        long begun = TimeProvider.System.GetTimestamp();
        _commands.Write(Encoding.UTF8.GetBytes(command + "\n"));
        var answer = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (true)
        {
            int length = await ReadAsync(buffer, command);
            double milliseconds = Run.Since(begun);
            answer.Append(Encoding.UTF8.GetString(buffer, 0, length));
            string text = answer.ToString();
            if (text.Contains(success, StringComparison.Ordinal)) return milliseconds;
            if (length == 0 || text.Contains("error:", StringComparison.Ordinal)) throw new InvalidOperationException($"virsh {command}: {text}");
        }
    }

    private async Task<int> ReadAsync(byte[] buffer, string command)
    {
        try
        {
            return await _answers.ReadAsync(buffer).AsTask().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException($"virsh has not answered to: {command}");
        }
    }
}
