namespace Lamina.Tests.Nested.Steps;

/// <summary>What only KVM has, and what only Debian's own kernel has.</summary>
internal static class KvmSteps
{
    public static IReadOnlyList<Step> All { get; } =
    [
        new("a disk image boots with UEFI by KVM", BootUefiAsync),
        new("what Debian's kernel offers networks and guests", ReadKernelAsync),
    ];

    private static async Task BootUefiAsync(Scene scene)
    {
        await scene.RunAsync($"lamina image import {Scene.Media}/disk.qcow2 --name small", 120);
        await scene.RunAsync("lamina vm launch uefi --image small --firmware uefi --memory 256MiB", 120);
        await scene.WaitForGuestAsync("uefi", 360);
        scene.Say(await scene.RunAsync("lamina vm exec uefi -- sh -c 'ls -d /sys/firmware/efi; uname -r; grep -m1 \"model name\" /proc/cpuinfo'"));
        await scene.RunAsync("lamina vm delete uefi --yes --force || (lamina vm stop uefi --force && lamina vm delete uefi --yes)");
    }

    /// <summary>For those who build on it: the outer machine has none of these.</summary>
    private static async Task ReadKernelAsync(Scene scene)
    {
        foreach (string module in (string[])["nf_conntrack_bridge", "nft_reject_bridge", "vhost_net", "vhost_vsock", "8021q", "bonding", "softdog", "dummy", "wireguard"])
        {
            bool loads = (await scene.TryAsync($"modprobe {module}")).ExitCode == 0;
            scene.Say($"{module}: {(loads ? "there" : "missing")}");
        }

        await scene.RunAsync("ip link add lmvlan type bridge vlan_filtering 1 && ip link del lmvlan");
        scene.Say("a bridge with vlan_filtering 1 can be made");
        scene.Say(await scene.RunAsync("head -n 1 /proc/pressure/memory | sed 's/^/pressure: /'; cat /sys/kernel/mm/ksm/run | sed 's/^/KSM is there, run=/'"));
    }
}
