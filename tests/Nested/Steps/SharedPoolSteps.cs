namespace Lamina.Tests.Nested.Steps;

/// <summary>A pool on NFS that two hosts share: the same folder, and locks that hold between them.</summary>
internal static class SharedPoolSteps
{
    private const string Pool = "common";
    private const string Vm = "db";

    /// <summary>Of a client at the server; <see cref="NfsSteps"/> has set it.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    public static IReadOnlyList<Step> All { get; } =
    [
        new("a pool on NFS is the cluster's once both hosts see the same folder and each is kept out by the other's lock", ProveAsync) { IsCluster = true },
        new("a disk there that a guest of one host has open cannot be opened by a QEMU of the other", LockAsync) { IsCluster = true },
        new("its guest moves live to the other host, and the lock with it", MigrateAsync) { IsCluster = true },
        new("the NFS server falls silent for one host: nothing else waits there, and the guest goes on after it", FallSilentAsync) { IsCluster = true },
        new("the NFS server starts anew: the guest runs on, and the lock holds", RestartServerAsync) { IsCluster = true },
        new("the VM is stopped: a QEMU of either host may open the disk", ReleaseAsync) { IsCluster = true },
    ];

    private static async Task ProveAsync(Scene scene)
    {
        await scene.RunAsync($"lamina pool create {Pool} --path {NfsSteps.Mounted} --shared", 120);
        await scene.WaitAsync("both hosts to have looked", 60, async () => (await HostsAsync(scene)).Count == 2 && await WallAsync(scene) == "host");
        scene.Say("nothing mounted on the second: " + await ShowAsync(scene));

        await scene.RunAsync(SecondHostSteps.On($"mount -t nfs -o vers=4.2,hard {NfsSteps.Server}:/ {NfsSteps.Mounted}"), 120);
        await scene.WaitAsync("the pool to be the cluster's", 90, async () => await WallAsync(scene) == "cluster");
        scene.Say("the same export mounted there: " + await ShowAsync(scene));

        // A copy of it, with the marks of all: another folder all the same.
        await scene.RunAsync(SecondHostSteps.On($"cp -a {NfsSteps.Export}/. /srv/copy && mount --bind /srv/copy {NfsSteps.Mounted}"));
        await scene.WaitAsync("the wall to be gone", 90, async () => await WallAsync(scene) == "none");
        scene.Say("a copy mounted over it there, marks and all: " + await ShowAsync(scene));
        await scene.RunAsync(SecondHostSteps.On($"umount --lazy {NfsSteps.Mounted}"));
        await scene.WaitAsync("the pool to be the cluster's again", 90, async () => await WallAsync(scene) == "cluster");
        scene.Say("the copy taken away: " + await ShowAsync(scene));
        scene.Say("at the server: " + await scene.RunAsync("for state in /proc/fs/nfsd/clients/*/info; do grep ^name: $state; done | sort | paste -sd' '"));
        scene.Say(await scene.RunAsync("grep -c 'POSIX .*WRITE' /proc/locks") + " locks for writing at the server");
    }

    private static async Task LockAsync(Scene scene)
    {
        await scene.RunAsync($"lamina placement rule create begin-first --on {SecondHostSteps.First} --for tag:begin-first --preferred");
        await scene.RunAsync($"lamina iso upload {Scene.Media}/vmlinuz --kind kernel --name common-kernel --pool {Pool} && lamina iso upload {Scene.Media}/initrd.gz --kind initrd --name common-initrd --pool {Pool}", 180);
        await scene.RunAsync($"lamina vm launch {Vm} --kernel common-kernel --initrd common-initrd --append 'console=ttyS0 quiet' --memory 192MiB --disk 64MiB --pool {Pool} --tag begin-first", 240);
        await scene.WaitForGuestAsync(Vm);
        scene.Require(await SecondHostSteps.HostOfAsync(scene, Vm) == SecondHostSteps.First, "It does not run on the first host.");
        await WriteAsync(scene, "written on the first host");
        await RequireShutAsync(scene, SecondHostSteps.Second);
    }

    private static async Task MigrateAsync(Scene scene)
    {
        double uptime = await scene.WaitForGuestAsync(Vm);
        int? former = await scene.QemuAsync(Vm);
        scene.Say(await scene.RunAsync($"lamina vm migrate {Vm} --to {SecondHostSteps.Second} 2>&1", 300));
        double later = await scene.WaitForGuestAsync(Vm, 60);
        scene.Say($"QEMU {former} → {await scene.QemuAsync(Vm)}, in the second host's namespaces; guest up {uptime:0} s → {later:0} s; it reads: "
            + await scene.RunAsync($"lamina vm exec {Vm} -- sh -c 'dd if=/dev/vda iflag=direct bs=512 count=1 2>/dev/null | head -n 1'"));
        scene.Require(await SecondHostSteps.HostOfAsync(scene, Vm) == SecondHostSteps.Second && later > uptime, "It did not move with its guest.");
        await RequireShutAsync(scene, SecondHostSteps.First);
    }

    /// <summary>For longer than the host's lease at the server lasts, which keeps its locks until somebody else asks for one of them (Linux 5.19 and later).</summary>
    private static async Task FallSilentAsync(Scene scene)
    {
        await scene.RunAsync(SecondHostSteps.On("nft \"table inet silent { chain sent { type filter hook output priority 0; tcp dport 2049 drop; }; }\""));
        await scene.WaitAsync("the second host to say that the pool hangs", 90, async () => (await HostsAsync(scene)).Any(host => (string?)host!["status"]?["failure"]?["code"] == "pool.hangs"));
        scene.Say(await ShowAsync(scene));
        scene.Say(await scene.RunAsync($"LAMINA_INSTANCE=second timeout 30 lamina vm list && timeout 30 lamina vm exec {SecondHostSteps.Far} -- true"));
        await Task.Delay(Lease, scene.Stop);
        await scene.RunAsync(SecondHostSteps.On("nft delete table inet silent"));
        // The kernel's own pauses, between segments and between calls, have grown to minutes meanwhile (nfs(5), timeo and retrans).
        await scene.WaitAsync("the pool to be the cluster's again", 420, async () => await WallAsync(scene) == "cluster");
        await WriteAsync(scene, "written after the silence");
        await RequireShutAsync(scene, SecondHostSteps.First);
    }

    /// <summary>Clients claim their locks again within the server's time of grace (RFC 8881, 8.4.2.1).</summary>
    private static async Task RestartServerAsync(Scene scene)
    {
        await scene.RunAsync("systemctl restart nfs-server", 120);
        await WriteAsync(scene, "written after the new start");
        // Whoever wants a lock in that time waits in the kernel for its end, and then for what the server has found out of the claims.
        await RequireShutAsync(scene, SecondHostSteps.First, seconds: 90);
        await scene.WaitAsync("the pool to be the cluster's", 120, async () => await WallAsync(scene) == "cluster");
    }

    private static async Task ReleaseAsync(Scene scene)
    {
        await scene.RunAsync($"lamina vm stop {Vm} --force", 120);
        foreach (string host in (string[])[SecondHostSteps.First, SecondHostSteps.Second])
        {
            var opened = await OpenAsync(scene, host);
            scene.Require(opened.ExitCode == TimedOut, $"A QEMU on {host} could not open it: {opened}");
        }

        scene.Say("opened by a QEMU on the first host, then by one on the second");
        await scene.RunAsync($"lamina vm delete {Vm} --yes", 120);
    }

    private static async Task WriteAsync(Scene scene, string words)
    {
        await scene.WaitAsync("the guest's write to come through", 120, async () => (await scene.TryAsync($"lamina vm exec {Vm} -- sh -c \"echo '{words}' | dd of=/dev/vda conv=fsync\"")).ExitCode == 0);
        string read = await scene.RunAsync($"lamina vm exec {Vm} -- sh -c 'dd if=/dev/vda iflag=direct bs=512 count=1 2>/dev/null | head -n 1'");
        scene.Require(read == words, $"Its guest reads: {read}");
        scene.Say($"its guest wrote and reads: {read}");
    }

    /// <summary>Of timeout(1): QEMU ran until it was ended.</summary>
    private const int TimedOut = 124;

    private static async Task RequireShutAsync(Scene scene, string host, int seconds = 20)
    {
        var refused = await OpenAsync(scene, host, seconds);
        scene.Require(refused.ExitCode == 1 && refused.Error.Contains("Failed to get \"write\" lock", StringComparison.Ordinal), $"A QEMU on {host} was not kept out: {refused}");
        scene.Say($"a QEMU on {host}: {refused.Error.Split('\n').First(line => line.Contains("lock", StringComparison.Ordinal)).Split(": ").Last()}");
    }

    /// <summary>A QEMU that nobody watches over, such as one that a person starts.</summary>
    private static async Task<ShellResult> OpenAsync(Scene scene, string host, int seconds = 20)
    {
        string disk = (string)(await scene.AskAsync("disk list")).AsArray().Single(disk => (string?)disk!["name"] is { } name && name.StartsWith(Vm, StringComparison.Ordinal))!["id"]!;
        string open = $"timeout {seconds} qemu-system-x86_64 -accel tcg -M q35 -nodefaults -display none -S -blockdev driver=file,node-name=file,filename=$(ls {NfsSteps.Mounted}/disks/{disk}/disk.*)"
            + " -blockdev driver=qcow2,node-name=disk,file=file -device virtio-blk-pci,drive=disk";
        return await scene.TryAsync(host == SecondHostSteps.First ? open : SecondHostSteps.On(open), seconds + 40);
    }

    private static async Task<List<System.Text.Json.Nodes.JsonNode?>> HostsAsync(Scene scene) => [.. (await scene.AskAsync($"pool show {Pool}"))["hosts"]!.AsArray()];

    private static Task<string> ShowAsync(Scene scene) => scene.RunAsync($"lamina pool show {Pool} | sed -n '/^wall/,/^file system/p'");

    private static async Task<string?> WallAsync(Scene scene) => (string?)(await scene.AskAsync($"pool show {Pool}"))["status"]?["wall"];
}
