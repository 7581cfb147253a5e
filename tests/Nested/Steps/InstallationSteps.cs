namespace Lamina.Tests.Nested.Steps;

/// <summary>From a fresh Debian to a daemon that finds nothing wrong.</summary>
internal static class InstallationSteps
{
    public static IReadOnlyList<Step> All { get; } =
    [
        new("a Debian host has booted, with systemd, cgroup v2 and AMD-V", BootAsync) { IsGround = true },
        new("apt installs the package, and systemd runs the daemon", InstallAsync) { IsGround = true },
        new("the doctor finds nothing wrong", ExamineAsync),
        new("guests run by KVM, and the reason is said", ExplainAsync),
    ];

    private static async Task BootAsync(Scene scene)
    {
        string state = await scene.WaitForBootAsync(null);
        scene.Require(state == "running", $"systemd says: {state}");
        scene.Say(await scene.RunAsync("echo \"$(. /etc/os-release; echo $PRETTY_NAME), Linux $(uname -r), $(systemctl --version | head -n 1)\""));
        scene.Say("cgroup v2 controls " + await scene.RunAsync("cat /sys/fs/cgroup/cgroup.controllers"));
        // udev loads KVM's module when it comes to it.
        scene.Say(await scene.RunAsync("udevadm settle; dmesg | grep -iE 'kvm: nested|nested paging' | sed 's/^[^]]*] //'; ls -l /dev/kvm"));
        await scene.RunAsync($"mkdir -p {Scene.Media} && mount -o ro /dev/sr0 {Scene.Media}");
    }

    private static async Task InstallAsync(Scene scene)
    {
        await CrashSteps.KeepCoresAsync(scene);
        await scene.RunAsync($"DEBIAN_FRONTEND=noninteractive apt-get -q install -y {Scene.Media}/lamina.deb", 300);
        scene.Say(await scene.RunAsync("dpkg-query -W -f '${Package} ${Version} ${Status}\\n' lamina"));
        string units = await scene.RunAsync("systemctl is-active lamina.service lamina-guests.service; systemctl is-enabled lamina.service lamina-guests.service");
        scene.Require(units == "active\nactive\nenabled\nenabled", units);
        scene.Say(await scene.RunAsync("systemctl show lamina.service -p Type,ActiveState,SubState,KillMode,MemoryCurrent | paste -sd' '"));
        scene.Say(await scene.RunAsync("getent group lamina | sed 's/^/group /'; stat -c '%A %U:%G %n' /run/lamina /run/lamina/lamina.sock"));
    }

    private static async Task ExamineAsync(Scene scene)
    {
        await scene.WaitAsync("QEMU's first answer", 60, async () => (await scene.RunAsync("lamina doctor --format json || true")).Contains("new VMs get", StringComparison.Ordinal));
        await scene.WaitAsync("the network default", 60, async () => (await scene.TryAsync("lamina doctor | grep -q 'network default *up'")).ExitCode == 0);
        var result = await scene.TryAsync("lamina doctor");
        foreach (string line in result.Output.Split('\n').Where(line => line.Length > 2 && line[0] is '✓' or '!' or '✗')) scene.Say(line);
        scene.Require(!result.Output.Contains('✗', StringComparison.Ordinal), "The doctor found an error.");
    }

    private static async Task ExplainAsync(Scene scene)
    {
        var status = (await scene.AskAsync("host list"))[0]!["status"]!;
        scene.Say($"{status["accelerator"]!["kind"]}: {status["accelerator"]!["reason"]}");
        scene.Say($"new VMs get {status["defaultMachineType"]} with {status["defaultCpuModel"]}");
        scene.Require((string?)status["accelerator"]!["kind"] == "kvm", "The host does not use KVM.");
    }
}
