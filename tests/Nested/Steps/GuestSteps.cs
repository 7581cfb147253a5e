namespace Lamina.Tests.Nested.Steps;

/// <summary>A guest on the processor itself, in a scope of its own.</summary>
internal static class GuestSteps
{
    /// <summary>The guest of most steps: comes back with the host, first in its order.</summary>
    public const string First = "web";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("a guest is launched and runs by KVM", LaunchAsync) { IsGround = true },
        new("its QEMU is alone in a systemd scope with its limits", LookAtScopeAsync),
        new("its QEMU has no rights", LookAtRightsAsync),
    ];

    private static async Task LaunchAsync(Scene scene)
    {
        await scene.RunAsync($"lamina vm launch {First} --kernel {Scene.Media}/vmlinuz --initrd {Scene.Media}/initrd.gz --append 'console=ttyS0 quiet' --memory 192MiB --autostart", 120);
        double uptime = await scene.WaitForGuestAsync(First);
        scene.Say(await scene.RunAsync($"lamina vm list"));
        scene.Say($"the guest's agent answers {uptime:0} s after its kernel began; " + await scene.RunAsync($"lamina vm exec {First} -- dmesg | grep -i hypervisor | sed 's/^[^]]*] //'"));
        string kind = (string?)(await scene.AskAsync($"vm show {First}"))["status"]!["accelerator"]!["kind"] ?? "";
        scene.Require(kind == "kvm", $"It runs by {kind}.");
    }

    private static async Task LookAtScopeAsync(Scene scene)
    {
        int qemu = await scene.QemuAsync(First) ?? throw new StepFailedException("It has no QEMU.");
        string scope = await scene.ScopeAsync(First);
        string own = await scene.RunAsync($"cat /proc/{qemu}/cgroup");
        scene.Require(own == $"0::{scope["/sys/fs/cgroup".Length..]}", $"QEMU is in {own}");
        scene.Say($"{own[3..]}");

        // Kernel threads of KVM are members too: they have no command line.
        string members = await scene.RunAsync($"for pid in $(cat {scope}/cgroup.procs); do if grep -qa . /proc/$pid/cmdline; then echo $pid; fi; done");
        scene.Require(members == $"{qemu}", $"The scope holds the processes {members}, not {qemu} alone.");
        long memory = long.Parse(await scene.RunAsync($"cat {scope}/memory.max"), null);
        string cpu = await scene.RunAsync($"cat {scope}/cpu.max"), pids = await scene.RunAsync($"cat {scope}/pids.max");
        scene.Say($"memory.max {memory} ({memory >> 20} MiB), cpu.max {cpu}, pids.max {pids}, cpu.weight {await scene.RunAsync($"cat {scope}/cpu.weight")}");

        // 192 MiB of RAM, 256 MiB for QEMU, 16 MiB of video; one vCPU; its processes are bounded (decision 10).
        scene.Require(memory >> 20 == 192 + 256 + 16, "Its memory limit is not RAM + 256 MiB + video.");
        scene.Require(cpu == "100000 100000", "Its CPU limit is not one core.");
        scene.Require(int.TryParse(pids, out _), "Its processes are not bounded.");
    }

    private static async Task LookAtRightsAsync(Scene scene)
    {
        int qemu = await scene.QemuAsync(First) ?? throw new StepFailedException("It has no QEMU.");
        string status = await scene.RunAsync($"grep -E '^(Uid|Groups|CapEff|NoNewPrivs|Seccomp):' /proc/{qemu}/status | sed 's/[[:space:]]\\+/ /g'");
        scene.Say(status.Replace("\n", "   ", StringComparison.Ordinal));
        scene.Require(status.Contains("CapEff: 0000000000000000", StringComparison.Ordinal) && status.Contains("NoNewPrivs: 1", StringComparison.Ordinal)
            && status.Contains("Seccomp: 2", StringComparison.Ordinal) && !status.Contains("Uid: 0 ", StringComparison.Ordinal), "It has rights that it needs not.");
        string kvm = await scene.RunAsync("getent group kvm | cut -d: -f3");
        scene.Require(status.Contains($"Groups: {kvm}", StringComparison.Ordinal), $"Its only group should be kvm ({kvm}).");
    }
}
