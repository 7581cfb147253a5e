using System.Globalization;
using System.Text.Json.Nodes;

namespace Lamina.Tests.Nested.Steps;

/// <summary>What only KVM has, and what only Debian's own kernel has.</summary>
internal static class KvmSteps
{
    public static IReadOnlyList<Step> All { get; } =
    [
        new("a vCPU is plugged in and taken out while the guest runs", ChangeCpusAsync),
        new("the exits of its vCPUs and the pressure on its cgroup are measured", MeasureAsync),
        new("a machine for Windows runs: Hyper-V's interfaces, local time, a TPM", RunWindowsMachineAsync),
        new("what Debian's kernel offers networks and guests", ReadKernelAsync),
    ];

    /// <summary>Without KVM QEMU 7.2 may crash at the second half of it, so it is refused there.</summary>
    private static async Task ChangeCpusAsync(Scene scene)
    {
        int? qemu = await scene.QemuAsync(GuestSteps.First);
        await scene.RunAsync($"lamina vm set {GuestSteps.First} --cpus 2");
        await scene.WaitAsync("two CPUs in the guest", 60, async () => await CpusAsync(scene) == "cpu0 cpu1");
        string limit = await scene.RunAsync($"cat {await scene.ScopeAsync(GuestSteps.First)}/cpu.max");
        await scene.RunAsync($"lamina vm exec {GuestSteps.First} -- sh -c 'echo 1 > /sys/devices/system/cpu/cpu1/online'");
        scene.Say($"with --cpus 2 the guest has {await CpusAsync(scene)}, its scope cpu.max {limit} (set above); it uses {await scene.RunAsync($"lamina vm exec {GuestSteps.First} -- nproc")}");
        await scene.RunAsync($"lamina vm set {GuestSteps.First} --cpus 1");
        await scene.WaitAsync("one CPU in the guest", 90, async () => await CpusAsync(scene) == "cpu0");
        scene.Say($"with --cpus 1 it has {await CpusAsync(scene)}; QEMU {qemu} → {await scene.QemuAsync(GuestSteps.First)}");
        scene.Require(qemu == await scene.QemuAsync(GuestSteps.First), "It has another QEMU.");
    }

    private static Task<string> CpusAsync(Scene scene) =>
        scene.RunAsync($"lamina vm exec {GuestSteps.First} -- sh -c 'cd /sys/devices/system/cpu; echo cpu[0-9]*'");

    private static async Task MeasureAsync(Scene scene)
    {
        double? exits = null, pressure = null;
        await scene.WaitAsync("figures with exits", 60, async () =>
        {
            var now = JsonNode.Parse(await scene.RunAsync("lamina api GET /v1/metrics/now"))!;
            var figures = now["vms"]!.AsArray().FirstOrDefault(vm => (string?)vm!["name"] == GuestSteps.First);
            exits = (double?)figures?["exitsPerSecond"];
            pressure = (double?)figures?["pressureCpuPercent"];
            return exits > 0 && pressure is not null;
        });
        scene.Say(string.Create(CultureInfo.InvariantCulture, $"{exits:0} exits a second; CPU pressure {pressure:0.0} %"));
    }

    /// <summary>
    /// No Windows can be had here: the machine is made and its firmware started, which is what KVM could refuse. With BIOS: OVMF in a guest of a guest ends
    /// QEMU 7.2's emulation of AMD-V (`tcg_handle_interrupt: assertion failed: (qemu_mutex_iothread_locked())`), and the host with it.
    /// </summary>
    private static async Task RunWindowsMachineAsync(Scene scene)
    {
        await scene.RunAsync("lamina vm launch windows --os win10 --firmware bios --tpm true --cpus 1 --memory 512MiB --disk 1GiB --network none", 180);
        int qemu = await scene.QemuAsync("windows") ?? throw new StepFailedException("It has no QEMU.");
        string[] arguments = (await scene.RunAsync("lamina vm qemu-args windows")).Split('\n');
        scene.Say(Following("-cpu"));
        scene.Say($"-rtc {Following("-rtc")}");
        scene.Require(Following("-cpu").Contains("hv-relaxed=on", StringComparison.Ordinal), "It has no Hyper-V interfaces.");
        scene.Require(Following("-rtc").Contains("localtime", StringComparison.Ordinal), "Its clock is not local time.");
        string members = await scene.RunAsync($"for pid in $(cat {await scene.ScopeAsync("windows")}/cgroup.procs); do cat /proc/$pid/comm; done | sort -u | paste -sd' '");
        scene.Say($"in its scope: {members}");
        scene.Require(members.Contains("swtpm", StringComparison.Ordinal), "It has no TPM.");
        scene.Require(await scene.StateAsync("windows") == "running" && await scene.QemuAsync("windows") == qemu, "It does not run.");
        await scene.RunAsync("lamina vm delete windows --yes --force", 60);

        string Following(string option) => arguments[Array.IndexOf(arguments, option) + 1];
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
