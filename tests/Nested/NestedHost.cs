using System.Net.Sockets;
using Lamina.Engine.Qmp;
using Lamina.Linux.Processes;
using Lamina.Testing.Media;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Tests.Nested;

/// <summary>The nested host as a machine: a QEMU under software translation, whose processor has AMD-V with nested paging.</summary>
internal sealed class NestedHost : IAsyncDisposable
{
    private const int Cpus = 2;
    private const int MemoryMiB = 3072;
    private const string ErrorFile = "qemu.log";
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(20);

    private readonly ChildProcess? _process;
    private readonly SafeFileHandle? _errors;

    private NestedHost(string folder, ChildProcess? process, SafeFileHandle? errors)
    {
        Folder = folder;
        _process = process;
        _errors = errors;
        Shell = new HostShell(AgentSocket(folder));
    }

    public HostShell Shell { get; }

    /// <summary>With its sockets: by it another run may use it.</summary>
    public string Folder { get; }

    /// <summary>Of one that another run holds that run knows better.</summary>
    public bool IsRunning => _process?.WaitForExitAsync(CancellationToken.None).IsCompleted != true;

    /// <summary>One that another run holds; it is left as it is.</summary>
    /// <param name="folder">See <see cref="Folder"/>.</param>
    public static NestedHost Attach(string folder) => new(folder, null, null);

    /// <param name="disk">Its system; written into an overlay that is thrown away.</param>
    /// <param name="cdrom">An ISO with what is installed and run there.</param>
    /// <param name="folder">For everything temporary.</param>
    /// <param name="serialLog">Where its console is written.</param>
    /// <param name="cancellation">Of the preparation.</param>
    public static async Task<NestedHost> StartAsync(NestedHostDisk disk, string cdrom, string folder, string serialLog, CancellationToken cancellation)
    {
        string overlay = Path.Combine(folder, "disk.qcow2");
        var create = new CommandSpec
        {
            Program = "qemu-img", Arguments = ["create", "-q", "-f", "qcow2", "-b", disk.Disk, "-F", "qcow2", overlay], Timeout = TimeSpan.FromSeconds(30),
        };
        (await Command.RunAsync(create, cancellation)).EnsureSuccess();
        var errors = File.OpenHandle(Path.Combine(folder, ErrorFile), FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        var process = ChildProcess.Spawn(new ChildSpec
        {
            Program = "qemu-system-x86_64",
            Arguments = Arguments(disk, overlay, cdrom, folder, serialLog),
            StandardOutput = ChildOutput.To(errors),
            StandardError = ChildOutput.To(errors),
            KillGroupAtEnd = true,
        });
        return new NestedHost(folder, process, errors);
    }

    /// <summary>The power is cut and comes back at once.</summary>
    public async Task CutPowerAsync(CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(MonitorSocket(Folder)), cancellation);
        await using var monitor = await QmpClient.OpenAsync(new NetworkStream(socket, ownsSocket: true), outOfBand: false, cancellation);
        await monitor.ExecuteAsync(QmpCommands.SystemReset, QmpNothing.Instance, cancellation);
    }

    /// <summary>How its QEMU ended, and what it said. Waits for the end.</summary>
    public async Task<string> LastWordsAsync(CancellationToken cancellation)
    {
        string said = (await File.ReadAllTextAsync(Path.Combine(Folder, ErrorFile), cancellation)).Trim();
        return _process is null ? said : $"QEMU of the nested host {await _process.WaitForExitAsync(cancellation)}: {said}";
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null) return;
        _process.Send(Signal.Kill);
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(KillPatience);
        _process.Dispose();
        _errors?.Dispose();
    }

    private static string AgentSocket(string folder) => Path.Combine(folder, "agent");

    private static string MonitorSocket(string folder) => Path.Combine(folder, "monitor");

    private static string[] Arguments(NestedHostDisk disk, string overlay, string cdrom, string folder, string serialLog) =>
    [
        "-name", "lamina-nested-host", "-nodefaults", "-no-user-config", "-display", "none",
        "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,+svm,+npt", "-smp", $"{Cpus}", "-m", $"{MemoryMiB}",
        "-kernel", disk.Kernel, "-initrd", disk.Initrd, "-append", "root=/dev/vda rw console=ttyS0 quiet",
        // Nothing of this disk must survive a crash of this machine: the host's own flushes need not reach it.
        "-drive", $"if=none,id=disk,format=qcow2,discard=unmap,cache=unsafe,file={overlay}", "-device", "virtio-blk-pci,drive=disk",
        "-device", "virtio-scsi-pci", "-drive", $"if=none,id=cdrom,media=cdrom,readonly=on,file={cdrom}", "-device", "scsi-cd,drive=cdrom",
        "-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci", "-device", "i6300esb",
        "-device", "virtio-serial-pci", "-chardev", $"socket,id=agent,path={AgentSocket(folder)},server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        "-chardev", $"socket,id=monitor,path={MonitorSocket(folder)},server=on,wait=off", "-mon", "chardev=monitor,mode=control",
        "-serial", $"file:{serialLog}",
    ];
}
