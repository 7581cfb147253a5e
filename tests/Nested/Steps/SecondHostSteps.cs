namespace Lamina.Tests.Nested.Steps;

/// <summary>
/// A second host beside the nested one: network, mounts and host name of its own, on the same kernel and under the same systemd. The two have a LAN, the bridge
/// <see cref="NfsSteps.Hub"/>, and each a trunk port on a switch that filters VLANs.
/// </summary>
internal static class SecondHostSteps
{
    public const string First = "nested";
    public const string Second = "second";

    /// <summary>The units of the two daemons.</summary>
    public static readonly IReadOnlyList<string> Units = ["lamina.service", "lamina-second.service"];

    /// <summary>A guest of the second host.</summary>
    public const string Far = "far";

    private const string Card = "eth7";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("a second host joins: they are one cluster, and the guest runs on", JoinAsync) { IsCluster = true, IsGround = true },
        new("guests of two hosts meet on a VLAN, through a switch that filters", MeetAsync) { IsCluster = true },
    ];

    /// <summary>A script as it would be run on the second host.</summary>
    public static string On(string script) => $"on-second bash -c '{script.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>The host whose QEMU a VM has, by the processes themselves: they are in the network of their host.</summary>
    public static async Task<string> HostOfAsync(Scene scene, string vm)
    {
        int qemu = await scene.QemuAsync(vm) ?? throw new StepFailedException($"{vm} has no QEMU, or more than one.");
        return await scene.RunAsync($"if [ $(readlink /proc/{qemu}/ns/net) = $(readlink /proc/1/ns/net) ]; then echo {First}; else echo {Second}; fi");
    }

    private static async Task JoinAsync(Scene scene)
    {
        await scene.RunAsync(MakeScript, 60);
        await scene.RunAsync("systemctl daemon-reload && systemctl start lamina-second.service", 120);
        double uptime = await scene.WaitForGuestAsync(GuestSteps.First);
        int? qemu = await scene.QemuAsync(GuestSteps.First);
        await scene.RunAsync($"lamina cluster init --name nested --address {NfsSteps.Server}", 180);
        await scene.RunAsync("LAMINA_INSTANCE=second lamina cluster join $(lamina cluster token)", 180);
        await scene.WaitAsync("two hosts that are ready", 120, async () => (await scene.AskAsync("host list")).AsArray().Count(host => (string?)host!["status"]?["accelerator"]?["kind"] == "kvm") == 2);
        scene.Say(await scene.RunAsync("lamina cluster status | grep -vE '^(id|ca) '"));
        scene.Require(qemu == await scene.QemuAsync(GuestSteps.First) && await scene.WaitForGuestAsync(GuestSteps.First) > uptime, "The guest did not run on.");
    }

    private static async Task MeetAsync(Scene scene)
    {
        await scene.RunAsync(SwitchScript);
        scene.Say(await scene.RunAsync($"lamina network create offices --bridge {Card} --vlan 100 2>&1", 120));
        await scene.RunAsync($"lamina placement rule create begin-second --on {Second} --for tag:begin-second --preferred");
        await scene.RunAsync($"lamina vm launch {Far} --kernel vmlinuz --initrd initrd --append 'console=ttyS0 quiet ip4=10.0.100.2/24' --memory 192MiB --tag begin-second --network offices", 240);
        await scene.RunAsync($"lamina vm nic add {GuestSteps.First} --network offices");
        await scene.WaitForGuestAsync(Far);
        scene.Require(await HostOfAsync(scene, Far) == Second && await HostOfAsync(scene, GuestSteps.First) == First, "The two guests are not on two hosts.");
        await VlanSteps.GiveAddressAsync(scene, GuestSteps.First, "eth1", "10.0.100.1/24");
        string ping = $"lamina vm exec {GuestSteps.First} -- ping -c 3 -W 10 10.0.100.2";
        await scene.WaitAsync("the guests to meet", 90, async () => (await scene.TryAsync(ping)).ExitCode == 0);
        scene.Say($"{GuestSteps.First} on {First} to {Far} on {Second}: {await scene.RunAsync($"{ping} | grep -o '.*received'")}");
        string counted = await scene.RunAsync("ip netns exec lan nft list table bridge seen | grep -o 'vlan id .*'");
        scene.Say($"at the switch: {counted.Replace("\n", "; ", StringComparison.Ordinal)}");
        scene.Require(await scene.RunAsync("ip netns exec lan nft -j list table bridge seen | jq '[.nftables[].rule.expr? // empty | .[] | .counter.packets // empty] | .[0]'") is var packets
            && int.Parse(packets, null) > 5, $"The switch saw {packets} frames with the tag.");
        await scene.RunAsync("bridge -n lan vlan delete dev port2 vid 100 && bridge -n lan vlan add dev port2 vid 200");
        scene.Require((await scene.TryAsync($"lamina vm exec {GuestSteps.First} -- ping -c 2 -W 5 10.0.100.2")).ExitCode != 0, "The switch did not filter.");
        scene.Say("the switch's port to the second host has VLAN 200 only: no answer");
        await scene.RunAsync("bridge -n lan vlan add dev port2 vid 100");
        await scene.WaitAsync("the guests to meet again", 60, async () => (await scene.TryAsync(ping)).ExitCode == 0);
        scene.Say("it has VLAN 100 again: answered");
    }

    /// <summary>The namespaces are kept by their files, so that the host outlives its daemon. Its `/sys` is that of its own network.</summary>
    private const string MakeScript = $"""
        set -e
        ip netns add second
        ip link add to-second type veth peer name eth0 netns second
        ip link set to-second master {NfsSteps.Hub} up
        ip -n second link set lo up
        ip -n second link set eth0 up
        ip -n second address add 10.78.0.2/24 dev eth0
        mkdir -p /run/second
        mount --bind /run/second /run/second
        mount --make-private /run/second
        touch /run/second/mnt /run/second/uts
        unshare --mount=/run/second/mnt --uts=/run/second/uts hostname {Second}
        cat > /usr/sbin/on-second <<'end'
        #!/bin/sh
        exec nsenter --net=/run/netns/second --mount=/run/second/mnt --uts=/run/second/uts "$@"
        end
        chmod 755 /usr/sbin/on-second
        mkdir /run/second/sys
        on-second sh -ec '
          mount -t sysfs sysfs /run/second/sys
          mount --rbind /sys/fs/cgroup /run/second/sys/fs/cgroup
          mount --rbind /run/second/sys /sys
          umount {NfsSteps.Mounted}
          mount -t tmpfs -o mode=700 tmpfs /var/lib/lamina
          mount -t tmpfs -o mode=700 tmpfs /etc/lamina
        '
        sed -e 's#^ExecStart=.*#ExecStart=/usr/sbin/on-second /usr/lib/lamina/laminad --instance second#' -e 's/^Description=.*/&, second host/' \
          /usr/lib/systemd/system/lamina.service > /etc/systemd/system/lamina-second.service
        mkdir -p /etc/systemd/system/lamina-second.service.d
        cp /etc/systemd/system/lamina.service.d/core.conf /etc/systemd/system/lamina-second.service.d/
        """;

    private const string SwitchScript = $$"""
        set -e
        ip netns add lan
        ip -n lan link add switch type bridge vlan_filtering 1 vlan_default_pvid 0
        ip -n lan link set switch up
        ip link add {{Card}} type veth peer name port1 netns lan
        ip link set {{Card}} up
        ip -n second link add {{Card}} type veth peer name port2 netns lan
        ip -n second link set {{Card}} up
        for port in port1 port2; do
          ip -n lan link set $port master switch up
          bridge -n lan vlan add dev $port vid 100
        done
        ip netns exec lan nft 'table bridge seen { chain passed { type filter hook forward priority 0; vlan id 100 counter; vlan id 200 counter; }; }'
        """;
}
