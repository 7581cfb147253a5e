using Lamina.Linux.Processes;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Migration;

/// <summary>The guest as <c>virsh migrate</c> moves it between two libvirtd of our own, each in namespaces of its own.</summary>
internal sealed class LibvirtMigration : IAsyncDisposable
{
    private const string Name = "bench";
    private const string GuestAddress = "10.91.0.110";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly BareHost[] _hosts;
    private readonly ChildProcess[] _daemons;
    private readonly string _targetName;
    private int _at;

    private LibvirtMigration(ClusterBed bed, string scripts, string folder)
    {
        _hosts = [new BareHost(bed, 111, withTap: false), new BareHost(bed, 112, withTap: false)];
        string certificates = Path.Join(folder, "tls");
        _targetName = BareCertificates.Write(certificates, withGroup: true);
        _daemons = [.. _hosts.Select((host, index) => host.Spawn(new ChildSpec
        {
            Program = "unshare",
            Arguments = ["--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", Path.Join(scripts, "libvirtd-private.sh"), FolderOf(folder, index), $"bare{index}", host.Address, certificates],
        }))];
    }

    public static async Task<LibvirtMigration> StartAsync(ClusterBed bed, BenchOptions options, string machine, int number, GuestWork work)
    {
        string folder = Directory.CreateDirectory(Path.Join(bed.Shared, "libvirt")).FullName;
        foreach (int index in new[] { 0, 1 }) Directory.CreateDirectory(FolderOf(folder, index));
        var libvirt = new LibvirtMigration(bed, options.Scripts, folder);
        try
        {
            await libvirt.LaunchAsync(folder, options.Media, machine, number, work);
            return libvirt;
        }
        catch
        {
            await libvirt.DisposeAsync();
            throw;
        }
    }

    /// <summary>Milliseconds from virsh's start to its end.</summary>
    public async Task<double> MoveAsync()
    {
        int to = 1 - _at;
        long begun = TimeProvider.System.GetTimestamp();
        await VirshAsync(_at, "migrate", "--live", "--unsafe", "--tls", "--tls-destination", _targetName, "--parallel", "--parallel-connections", "2", "--auto-converge",
            Name, $"qemu+tcp://{_hosts[to].Address}/system", $"tcp://{_hosts[to].Address}");
        double milliseconds = Run.Since(begun);
        _at = to;
        return milliseconds;
    }

    public Task PauseAsync() => VirshAsync(_at, "suspend", Name);

    public Task ResumeAsync() => VirshAsync(_at, "resume", Name);

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in _daemons)
        {
            // Its init goes, and with it all that it has.
            daemon.Send(Signal.Kill);
            await daemon.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
            daemon.Dispose();
        }

        foreach (var host in _hosts) await host.DisposeAsync();
    }

    private static string FolderOf(string folder, int index) => Path.Join(folder, $"{index}");

    private async Task LaunchAsync(string folder, string media, string machine, int number, GuestWork work)
    {
        foreach (int index in new[] { 0, 1 }) await ListensAsync(FolderOf(folder, index));
        string disk = Path.Join(folder, "disk.qcow2"), definition = Path.Join(folder, "bench.xml");
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", disk, "1G");
        await File.WriteAllTextAsync(definition, LibvirtDomain.Xml(new LibvirtWish
        {
            Name = Name,
            Machine = machine,
            Disk = disk,
            Bridge = BareHost.Bridge,
            MemoryMiB = work.MemoryMiB,
            Boot = $"<kernel>{Path.Join(media, "vmlinuz")}</kernel><initrd>{Path.Join(media, "ticker.gz")}</initrd><cmdline>{BenchCluster.CommandLine(Ticks.Script(number, work), $"ip4={GuestAddress}/24 ")}</cmdline>",
        }));
        await VirshAsync(0, "create", definition);
    }

    private static async Task ListensAsync(string folder)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (!File.Exists(Path.Join(folder, "run", "libvirt-sock")))
        {
            if (TimeProvider.System.GetElapsedTime(begun) > Patience) throw new InvalidOperationException($"libvirtd does not listen; its words are in {folder}");
            await Task.Delay(Pause);
        }
    }

    // The daemon's parent is outside of the process namespace that its child is the first of; the mounts and the network are of both.
    private async Task VirshAsync(int host, params string[] arguments)
    {
        using var virsh = ChildProcess.Spawn(new ChildSpec
        {
            Program = "nsenter",
            Arguments = ["-t", $"{_daemons[host].ProcessId}", "-m", "-n", "-u", "virsh", "-q", "-c", "qemu:///system", .. arguments],
            StandardError = ChildOutput.Tail(2000),
        });
        if (!(await virsh.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience)).Succeeded)
            throw new InvalidOperationException($"virsh {arguments[0]}: {System.Text.Encoding.UTF8.GetString(virsh.StandardError)}");
    }
}
