namespace Lamina.Tests.Nested.Steps;

/// <summary>A pool on NFS, whose server is the nested host itself.</summary>
internal static class NfsSteps
{
    /// <summary>The LAN of the hosts, a bridge.</summary>
    public const string Hub = "hub";

    /// <summary>There, the address of the server.</summary>
    public const string Server = "10.78.0.1";

    /// <summary>What it exports.</summary>
    public const string Export = "/srv/export";

    /// <summary>Where hosts mount that.</summary>
    public const string Mounted = "/srv/nfs";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("NFS that cannot keep two hosts from one disk is refused, with what to mount", RefuseAsync) { IsCluster = true },
        new("a pool on NFS stands on 4.2, hard, with its mark and its locked file", TakeAsync) { IsCluster = true },
        new("another folder at the same path is not taken for the pool", MistakeAsync) { IsCluster = true },
    ];

    private static async Task RefuseAsync(Scene scene)
    {
        await scene.RunAsync($"""
            set -e
            mkdir -p {Export} /mnt/bad
            chmod 700 {Export}
            echo '{Export} 10.78.0.0/24(rw,no_root_squash,no_subtree_check,fsid=0)' > /etc/exports
            printf '[nfsd]\nlease-time=15\ngrace-time=15\n' > /etc/nfs.conf.d/short.conf
            ip link add {Hub} type bridge
            ip link set {Hub} up
            ip address add {Server}/24 dev {Hub}
            systemctl start nfs-server
            """, 120);
        foreach (var (options, word) in new[] { ("vers=4.0,hard", "vers=4.1"), ("vers=4.2,soft", "'hard'") })
        {
            await scene.RunAsync($"mount -t nfs -o {options} {Server}:/ /mnt/bad", 120);
            var refused = await scene.TryAsync("lamina pool create bad --path /mnt/bad/pool");
            await scene.RunAsync("umount /mnt/bad");
            scene.Require(refused.ExitCode != 0 && refused.Error.Contains(word, StringComparison.Ordinal), $"A pool on NFS with {options}: {refused}");
            scene.Say($"{options}: {refused.Error.Trim().Split('\n')[0]}");
        }
    }

    private static async Task TakeAsync(Scene scene)
    {
        await scene.RunAsync($"mkdir -p {Mounted} && mount -t nfs -o vers=4.2,hard {Server}:/ {Mounted}", 120);
        await scene.RunAsync($"lamina pool create nfs --path {Mounted} --shared", 120);
        await scene.WaitAsync("this host to have its locked file there", 60, IsThereAsync(scene));
        scene.Say(await scene.RunAsync("lamina pool show nfs | grep -E '^(wall|hosts|file system)'"));
        scene.Say("in it: " + await scene.RunAsync($"ls -A {Export} | paste -sd' '"));
        await scene.RunAsync("lamina disk create far --size 1MiB --pool nfs", 60);
    }

    private static async Task MistakeAsync(Scene scene)
    {
        await scene.RunAsync($"mkdir -m 700 /srv/empty && mount --bind /srv/empty {Mounted}");
        await scene.WaitAsync("the host to say that it is another folder", 60, async () => !await IsThereAsync(scene)());
        scene.Say(await scene.RunAsync("lamina pool show nfs | grep ^hosts"));
        scene.Require(await scene.RunAsync("ls -A /srv/empty | wc -l") == "0", "Something was written into the folder in the pool's place.");
        await scene.RunAsync($"umount {Mounted}");
        await scene.WaitAsync("the host to find the pool again", 60, IsThereAsync(scene));
        await scene.RunAsync("lamina disk delete far --yes && lamina pool delete nfs --yes", 120);
        string left = await scene.RunAsync($"ls -A {Export}");
        scene.Require(left.Length == 0, $"The deleted pool has left: {left}");
    }

    private static Func<Task<bool>> IsThereAsync(Scene scene) =>
        async () => (bool?)(await scene.AskAsync("pool show nfs"))["hosts"]?.AsArray().FirstOrDefault()?["status"]?["available"] == true;
}
