using System.Globalization;
using Lamina.Engine.Qemu;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server.Networks;

namespace Lamina.Tests.Integration.Isolation;

/// <summary>A guest broke out of its QEMU: what its process then reaches of the host and of other VMs. One test for each path.</summary>
[Collection(nameof(TwoGuests))]
public sealed class HostileQemuTests(TwoGuests guests)
{
    /// <summary>By the mode of /dev/net/tun where a host closes it, else by the tap's owner, who is root.</summary>
    private const string Refused = "could not (configure|open) /dev/net/tun.*: (Operation not permitted|Permission denied)";

    private Server.Instance Instance => guests.Daemon.Daemon.Instance;

    [Fact]
    public async Task No_file_of_the_installation_can_be_read_or_written()
    {
        string[] roots = [Instance.DataDirectory, Instance.RunDirectory, Instance.LogDirectory, Instance.ConfigurationDirectory];
        Assert.Contains(Files(roots), file => file.EndsWith(".qcow2", StringComparison.Ordinal) || file.Contains("/disks/", StringComparison.Ordinal));
        Assert.Contains(Files(roots), file => file.EndsWith("qmp.sock", StringComparison.Ordinal));

        // What dnsmasq, a user of its own, must read is open to others too: names, addresses and MACs of guests in one network, no secret.
        string[] open = [.. Files(roots).Where(file => !file.Contains("/networks/", StringComparison.Ordinal))];
        string list = Path.Combine(Path.GetTempPath(), $"lamina-paths-{Guid.NewGuid():N}");
        await File.WriteAllLinesAsync(list, open, guests.Deadline);
        try
        {
            var (exit, reached) = await RunAsync($"while read -r path; do ( : < \"$path\" ) 2>/dev/null && echo \"read $path\"; ( : >> \"$path\" ) 2>/dev/null && echo \"wrote $path\"; done < {list}; ls {Instance.DataDirectory} {Instance.DefaultPoolDirectory}; true");
            Assert.True(exit.Succeeded);
            Assert.Equal([], reached.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            File.Delete(list);
        }
    }

    [Theory]
    [InlineData("qmp.sock")]
    [InlineData("qga.sock")]
    [InlineData("serial.sock")]
    public async Task No_socket_of_another_VM_nor_its_own_is_reached(string socket)
    {
        foreach (var vm in new[] { guests.Victim, guests.Hostile })
        {
            var path = Path.Combine(Instance.VmDirectory(vm.Id), socket);
            Assert.True(File.Exists(path), path);
            var (_, said) = await RunAsync($"( : < {path} ) 2>&1");
            Assert.Contains("Permission denied", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_local_socket_of_the_daemon_is_not_reached()
    {
        var (_, said) = await RunAsync($"( : < {Instance.LocalSocket} ) 2>&1");
        Assert.Contains("Permission denied", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_VMs_process_is_neither_traced_nor_read_nor_ended()
    {
        int victim = guests.Daemon.ProcessOf(guests.Victim);
        foreach (var secret in new[] { "mem", "environ", "maps", "syscall", "stack" })
        {
            var (_, said) = await RunAsync($"head -c 1 /proc/{victim}/{secret} 2>&1");
            Assert.Matches("Permission denied|Operation not permitted|Input/output error", said);
        }

        Assert.Contains("Permission denied", (await RunAsync($"ls /proc/{victim}/fd 2>&1")).Output, StringComparison.Ordinal);
        Assert.Contains("Permission denied", (await RunAsync($"ls /proc/{victim}/map_files 2>&1")).Output, StringComparison.Ordinal);
        Assert.Contains("Operation not permitted", (await RunAsync($"kill -9 {victim} 2>&1")).Output, StringComparison.Ordinal);
        Assert.Contains("Operation not permitted", (await RunAsync($"kill -9 {Environment.ProcessId} 2>&1")).Output, StringComparison.Ordinal);
        Assert.Equal(victim, guests.Daemon.ProcessOf(guests.Victim));
    }

    [Fact]
    public async Task Another_VMs_tap_cannot_be_taken_neither_while_it_is_held_nor_while_it_waits_for_its_QEMU()
    {
        string held = NetworkPlan.TapOf(Instance, guests.Victim.Id, 0);
        Assert.Equal("0", (await File.ReadAllTextAsync($"/sys/class/net/{held}/owner", guests.Deadline)).Trim());
        Assert.Matches(Refused, await TakeTapAsync(held));

        const string Waiting = "lmtestwaiting";
        using var netlink = new Netlink();
        netlink.DeleteLink(Waiting);
        using (var tap = TapDevice.Open(Waiting)) TapDevice.SetPersistent(tap);
        try
        {
            Assert.Matches(Refused, await TakeTapAsync(Waiting));
        }
        finally
        {
            netlink.DeleteLink(Waiting);
        }
    }

    [Fact]
    public async Task Links_packet_rules_and_addresses_of_the_host_are_not_changed_and_no_raw_socket_is_had()
    {
        string tap = NetworkPlan.TapOf(Instance, guests.Victim.Id, 0);
        Assert.Contains("Operation not permitted", (await RunAsync($"ip link set {tap} down 2>&1")).Output, StringComparison.Ordinal);
        Assert.Contains("Operation not permitted", (await RunAsync("ip address add 10.9.9.9/32 dev lo 2>&1")).Output, StringComparison.Ordinal);
        Assert.False((await RunAsync("nft list ruleset")).Exit.Succeeded);
        Assert.False((await RunAsync("busybox arping -c 1 -I lo 127.0.0.1")).Exit.Succeeded); // needs a packet socket
    }

    [Fact]
    public async Task A_fork_bomb_ends_at_the_limit_of_its_VM()
    {
        var cgroups = CgroupManager.Detect(Instance.CgroupName);
        Assert.SkipUnless(cgroups is CgroupsV1, "reads the files of cgroup v1");
        using var bomb = HostileProcess.Start(Instance, guests.Hostile.Id, "while :; do sleep 1000 & done");
        try
        {
            // The shell ends when it cannot fork, and its children stay.
            var exit = await bomb.WaitForExitAsync(guests.Deadline);
            Assert.False(exit.Succeeded);
            string folder = CgroupOf("pids");
            Assert.True(long.Parse(await File.ReadAllTextAsync($"{folder}/pids.current", guests.Deadline), CultureInfo.InvariantCulture)
                <= long.Parse(await File.ReadAllTextAsync($"{folder}/pids.max", guests.Deadline), CultureInfo.InvariantCulture));
            await guests.AnswersAsync(guests.Victim);
        }
        finally
        {
            foreach (int child in cgroups.ReadMembers(guests.Hostile.Id).Where(child => child != guests.HostileProcessId)) EndIfOurs(child);
            while (long.Parse(await File.ReadAllTextAsync($"{CgroupOf("pids")}/pids.current", guests.Deadline), CultureInfo.InvariantCulture) > 200) await Task.Delay(20, guests.Deadline);
        }
    }

    [Fact]
    public async Task A_memory_bomb_ends_at_the_limit_of_its_VM()
    {
        // First to be ended of its cgroup, so that the other tests keep their guest: QEMU itself would do as well.
        var (exit, _) = await RunAsync("echo 1000 > /proc/self/oom_score_adj; exec busybox awk 'BEGIN { s = \"x\"; while (1) s = s s }'");
        Assert.False(exit.Succeeded);
        Assert.Equal(Signal.Kill, exit.Signal);
        await guests.AnswersAsync(guests.Victim);
        await guests.AnswersAsync(guests.Hostile);
    }

    [Fact]
    public async Task A_hog_of_the_processor_is_held_at_the_share_of_its_VM()
    {
        Assert.SkipUnless(CgroupManager.Detect(Instance.CgroupName) is CgroupsV1, "reads the files of cgroup v1");
        var limits = QemuLimits.Of(new RuntimeFolder(Instance.VmDirectory(guests.Hostile.Id)).ReadRecord().Definition);
        var cgroups = CgroupManager.Detect(Instance.CgroupName);
        await cgroups.SetLimitsAsync(guests.Hostile.Id, limits with { CpuQuotaPercent = 10 }, guests.Deadline); // so that it is reached on a busy machine too
        string statistics = $"{CgroupOf("cpu")}/cpu.stat";
        long before = await ThrottledAsync(statistics);
        using var hogs = HostileProcess.Start(Instance, guests.Hostile.Id, "for i in 1 2 3 4; do while :; do :; done & done; wait");
        try
        {
            while (await ThrottledAsync(statistics) <= before) await Task.Delay(20, guests.Deadline);
            await guests.AnswersAsync(guests.Victim);
        }
        finally
        {
            hogs.SendToGroup(Signal.Kill);
            await cgroups.SetLimitsAsync(guests.Hostile.Id, limits, guests.Deadline);
            await hogs.WaitForExitAsync(guests.Deadline);
        }
    }

    private static async Task<long> ThrottledAsync(string statistics) =>
        long.Parse((await File.ReadAllLinesAsync(statistics)).Single(line => line.StartsWith("nr_throttled ", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);

    private string CgroupOf(string controller)
    {
        string[] lines = File.ReadAllLines($"/proc/{guests.HostileProcessId}/cgroup");
        return $"/sys/fs/cgroup/{controller}{lines.Single(line => line.Split(':')[1].Split(',').Contains(controller)).Split(':')[2]}";
    }

    private static void EndIfOurs(int processId)
    {
        using var process = ProcessIdentity.Read(processId) is { } identity ? ChildProcess.Adopt(identity) : null;
        process?.Send(Signal.Kill);
    }

    /// <summary>By a QEMU of the attacker's own: the program that knows best how to open taps.</summary>
    private async Task<string> TakeTapAsync(string tap) =>
        (await RunAsync($"qemu-system-x86_64 -M none -display none -netdev tap,id=n,ifname={tap},script=no,downscript=no 2>&1")).Output;

    private Task<(ChildExit Exit, string Output)> RunAsync(string script) => HostileProcess.RunAsync(Instance, guests.Hostile.Id, script, guests.Deadline);

    private static IEnumerable<string> Files(IEnumerable<string> roots) =>
        roots.Where(Directory.Exists).SelectMany(root => Directory.EnumerateFileSystemEntries(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, ReturnSpecialDirectories = false }))
            .Where(path => !Directory.Exists(path));
}
