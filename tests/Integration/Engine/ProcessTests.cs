using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Files;
using Lamina.Testing.Engine;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Engine;

/// <summary>What a VM's process may do and hold, and what stays behind when it ends.</summary>
public class ProcessTests
{
    [Fact]
    public async Task QEMU_has_no_rights_and_no_file_but_its_own()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync() with
        {
            Disks =
            [
                new DiskDefinition
                {
                    Slot = 0, Path = await host.ImageAsync("top", "qcow2", await host.ImageAsync("base", "qcow2")), Format = DiskFormat.Qcow2,
                    Backing = [new DiskFile { Path = Path.Combine(host.Folder, "base"), Format = DiskFormat.Qcow2 }],
                },
                new DiskDefinition { Slot = 1, Path = await host.ImageAsync("raw", "raw"), Format = DiskFormat.Raw, Bus = DiskBus.Scsi },
            ],
            Cdroms = [new CdromDefinition { Slot = 0, Path = ReadyMedia.GrubRescueIso, BootIndex = 1 }, new CdromDefinition { Slot = 1 }],
            Nics = [new NicDefinition { Slot = 0, Mac = "52:54:00:00:00:01" }],
        };
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        var process = host.ProcessOf(definition);

        var status = await File.ReadAllLinesAsync($"/proc/{process}/status", host.Deadline);
        Assert.Equal($"Uid:\t{definition.Uid}\t{definition.Uid}\t{definition.Uid}\t{definition.Uid}", status.Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)));
        Assert.Equal("Groups:\t", status.Single(line => line.StartsWith("Groups:", StringComparison.Ordinal)).TrimEnd(' '));
        foreach (var line in new[] { "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2" })
            Assert.Contains(line, status);

        string[] own = [host.Folder + "/", ReadyMedia.GrubRescueIso, "/dev/null", "/memfd:", "socket:", "pipe:", "anon_inode:"];
        Assert.All(OpenFiles(process), target => Assert.Contains(own, prefix => target.StartsWith(prefix, StringComparison.Ordinal)));
        // A lock of a disk lives as long as any copy of its file: ours must be gone.
        Assert.DoesNotContain(OpenFiles(Environment.ProcessId), target => target.StartsWith(host.Folder, StringComparison.Ordinal)
            && !target.EndsWith("/stderr", StringComparison.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(definition.RuntimeFolder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(definition.RuntimeFolder, RunRecord.FileName)));
    }

    [Fact]
    public async Task The_limits_are_those_of_the_definition()
    {
        await using var host = new EngineHost();
        Assert.SkipUnless(host.Cgroups is CgroupsV1, "reads the files of cgroup v1");
        var definition = await host.BareAsync() with
        {
            Limits = new LimitsDefinition { CpuQuotaPercent = 150, MemoryLimitBytes = 512L << 20 },
        };
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        var lines = await File.ReadAllLinesAsync($"/proc/{host.ProcessOf(definition)}/cgroup", host.Deadline);
        string Read(string controller, string file)
        {
            var path = lines.Single(line => line.Split(':')[1].Split(',').Contains(controller)).Split(':')[2];
            return File.ReadAllText($"/sys/fs/cgroup/{controller}{path}/{file}").Trim();
        }
        Assert.Equal((512L << 20).ToString(CultureInfo.InvariantCulture), Read("memory", "memory.limit_in_bytes"));
        Assert.Equal(150, 100 * int.Parse(Read("cpu", "cpu.cfs_quota_us"), CultureInfo.InvariantCulture)
            / int.Parse(Read("cpu", "cpu.cfs_period_us"), CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_killed_QEMU_is_reported_with_its_signal()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync();
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        var waiting = vm.QueryStateAsync(host.Deadline);
        Kill(host.ProcessOf(definition), Lamina.Linux.Processes.Signal.Kill);
        var exited = await vm.Events.NextAsync<VmExited>(host.Deadline);
        Assert.Equal((3L, 7L, null, 9), (exited.Epoch, exited.Run, exited.ExitCode, exited.Signal));
        await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Assert.ThrowsAsync<QmpClosedException>(() => vm.QueryStateAsync(host.Deadline));
        await vm.KillAsync(host.Deadline);
    }

    [Fact]
    public async Task Kill_needs_no_monitor_and_ends_the_whole_cgroup()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync();
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        Kill(host.ProcessOf(definition), Lamina.Linux.Processes.Signal.Stop);
        await vm.KillAsync(host.Deadline);
        Assert.True(host.Cgroups.IsEmpty(definition.Id.ToString()));
        Assert.Equal(9, (await vm.Events.NextAsync<VmExited>(host.Deadline)).Signal);
    }

    [Fact]
    public async Task A_silent_monitor_is_reported_and_nothing_is_killed()
    {
        await using var host = new EngineHost(options => options with
        {
            PingInterval = TimeSpan.FromMilliseconds(20), SilenceLimit = TimeSpan.FromSeconds(1.5),
        });
        var definition = await host.BareAsync();
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        var process = host.ProcessOf(definition);
        Kill(process, Lamina.Linux.Processes.Signal.Stop);
        var lost = await vm.Events.NextAsync<VmMonitorLost>(host.Deadline);
        Assert.Equal("QEMU has not answered for 1.5 s.", lost.Reason);
        Assert.False(vm.MonitorAnswers);
        Assert.Equal(process, host.ProcessOf(definition));

        await using var later = (await host.NewEngine().AttachAsync(definition.RuntimeFolder, host.Deadline)).Vm!;
        Assert.False(later.MonitorAnswers);
        await later.Events.NextAsync<VmMonitorLost>(host.Deadline);

        Kill(process, Lamina.Linux.Processes.Signal.Continue);
        await vm.Events.NextAsync<VmMonitorRestored>(host.Deadline);
        Assert.Equal(RunState.PreLaunch, await vm.QueryStateAsync(host.Deadline));
    }

    [Fact]
    public async Task Many_starts_leave_nothing_open_and_nothing_behind()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync() with { Disks = [new DiskDefinition { Slot = 0, Path = await host.ImageAsync("d", "qcow2"), Format = DiskFormat.Qcow2 }] };
        await RunOnceAsync(host, definition);
        var before = OpenFiles(Environment.ProcessId).Count(IsOfVms);
        for (var i = 0; i < 8; i++) await RunOnceAsync(host, definition with { Run = 8 + i });
        Assert.Equal(before, OpenFiles(Environment.ProcessId).Count(IsOfVms));
        Assert.Empty(host.Cgroups.List());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(host.Folder, "vms")));

        // Other tests run beside this one: what belongs to no VM of this test is theirs.
        bool IsOfVms(string target) => target.Contains(host.Folder, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_VMs_start_and_are_taken_up_at_once()
    {
        await using var host = new EngineHost();
        var definitions = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => host.BareAsync()));
        var started = await Task.WhenAll(definitions.Select(definition => host.Engine.StartPausedAsync(definition, host.Deadline)));
        foreach (var vm in started) await vm.DisposeAsync();
        var engine = host.NewEngine();
        var found = await Task.WhenAll(definitions.Select(definition => engine.AttachAsync(definition.RuntimeFolder, host.Deadline)));
        foreach (var outcome in found)
        {
            Assert.Equal(RunState.PreLaunch, await outcome.Vm!.QueryStateAsync(host.Deadline));
            await outcome.Vm.QuitAsync(host.Deadline);
            await outcome.Vm.DisposeAsync();
        }
        Assert.All(definitions, definition => Assert.True(host.Cgroups.IsEmpty(definition.Id.ToString())));
    }

    [Fact]
    public async Task A_VNC_client_is_brought_as_an_open_socket()
    {
        await using var host = new EngineHost();
        await using var vm = await host.Engine.StartPausedAsync(await host.BareAsync(), host.Deadline);
        for (var i = 0; i < 2; i++)
        {
            var (ours, theirs) = FdPassing.CreatePair();
            using (theirs) await vm.AddVncClientAsync(theirs, host.Deadline);
            using var socket = new Socket(ours);
            var greeting = new byte[12];
            await socket.ReceiveAsync(greeting, host.Deadline);
            Assert.Equal("RFB 003.008\n", Encoding.ASCII.GetString(greeting));
        }
    }

    [Fact]
    public async Task The_second_monitor_speaks_out_of_band()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync();
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(definition.RuntimeFolder, "qmp-oob.sock")), host.Deadline);
        await using var client = await QmpClient.OpenAsync(new NetworkStream(socket), outOfBand: true, host.Deadline);
        var refused = await Assert.ThrowsAsync<QmpErrorException>(() =>
            client.ExecuteOutOfBandAsync(QmpCommands.QueryStatus, QmpNothing.Instance, host.Deadline));
        Assert.Equal("query-status: The command query-status does not support OOB", refused.Message);
        Assert.Equal(RunState.PreLaunch, (await client.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, host.Deadline)).Status);
    }

    private static async Task RunOnceAsync(EngineHost host, VmDefinition definition)
    {
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        await vm.ContinueAsync(permit: null, host.Deadline);
        await vm.QuitAsync(host.Deadline);
        await host.Engine.ForgetAsync(definition.RuntimeFolder, host.Deadline);
    }

    private static void Kill(int process, int signal) => Lamina.Linux.Processes.ChildProcess
        .Adopt(Lamina.Linux.Processes.ProcessIdentity.Read(process)!)!.Send(signal);

    private static List<string> OpenFiles(int process)
    {
        var targets = new List<string>();
        foreach (var entry in Directory.EnumerateFiles($"/proc/{process}/fd"))
            if (new FileInfo(entry).LinkTarget is { } target) targets.Add(target);
        return targets;
    }
}
