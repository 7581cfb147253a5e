namespace Lamina.Tests.Nested.Steps;

/// <summary>The host reboots, and loses its power.</summary>
internal static class BootSteps
{
    private const string Second = "database";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("a reboot asks the guests to power off, in their order", RebootAsync),
        new("after it they come back by themselves, by KVM", ComeBackAsync),
        new("after a power cut they come back too", CutPowerAsync),
    ];

    /// <summary>The database starts first and ends last.</summary>
    private static async Task RebootAsync(Scene scene)
    {
        await scene.RunAsync($"lamina vm launch {Second} --kernel vmlinuz --initrd initrd --append 'console=ttyS0 quiet' --memory 192MiB --autostart", 120);
        await scene.RunAsync($"lamina vm set {Second} --autostart-order 1 && lamina vm set {GuestSteps.First} --autostart-order 2");
        await scene.WaitForGuestAsync(Second);
        string boot = await scene.BootIdAsync();
        await scene.RunAsync("systemd-run --quiet --on-active=1 systemctl reboot");
        string state = await scene.WaitForBootAsync(boot);
        await scene.RunAsync($"mount -o ro /dev/sr0 {Scene.Media}");
        string said = await scene.RunAsync("journalctl -b -1 -u lamina-guests.service -o cat --no-pager | grep -E 'asking'");
        scene.Say(said);
        scene.Require(state == "running", $"After the boot systemd says: {state}");
        string events = await scene.RunAsync("lamina events | grep -E 'vm.stopped' | tail -n 2");
        scene.Say(events);
        int first = events.IndexOf($"'{GuestSteps.First}'", StringComparison.Ordinal), second = events.IndexOf($"'{Second}'", StringComparison.Ordinal);
        scene.Require(first >= 0 && second > first, "They were not ended in their order.");
        scene.Require(!(await scene.RunAsync("journalctl -b -1 --no-pager")).Contains("terminating on signal", StringComparison.Ordinal), "A QEMU was ended by a signal.");
    }

    private static async Task ComeBackAsync(Scene scene)
    {
        foreach (string vm in (string[])[Second, GuestSteps.First]) await ExpectAsync(scene, vm);
        scene.Say(await scene.RunAsync("lamina events | grep -E 'vm.started' | tail -n 2"));
    }

    private static async Task CutPowerAsync(Scene scene)
    {
        string boot = await scene.BootIdAsync();
        await scene.CutPowerAsync();
        string state = await scene.WaitForBootAsync(boot);
        await scene.RunAsync($"mount -o ro /dev/sr0 {Scene.Media}");
        scene.Require(state == "running", $"After the boot systemd says: {state}");
        foreach (string vm in (string[])[Second, GuestSteps.First]) await ExpectAsync(scene, vm);
        scene.Say(await scene.RunAsync("lamina events | grep -E 'vm.(stopped|started)' | tail -n 4"));
        await scene.RunAsync($"lamina vm delete {Second} --yes --force");
    }

    private static async Task ExpectAsync(Scene scene, string vm)
    {
        await scene.WaitAsync($"{vm} to run", 120, async () => await scene.StateAsync(vm) == "running");
        string kind = (string?)(await scene.AskAsync($"vm show {vm}"))["status"]!["accelerator"]!["kind"] ?? "";
        scene.Require(kind == "kvm", $"{vm} runs by {kind}.");
        await scene.WaitForGuestAsync(vm);
    }
}
