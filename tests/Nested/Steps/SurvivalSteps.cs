namespace Lamina.Tests.Nested.Steps;

/// <summary>The daemon dies and is upgraded; the guest does not notice.</summary>
internal static class SurvivalSteps
{
    public static IReadOnlyList<Step> All { get; } =
    [
        new("the daemon is killed: systemd starts it again, the guest runs on", KillAsync),
        new("the package is upgraded: the daemon is the new one, the guest runs on", UpgradeAsync),
    ];

    private static Task KillAsync(Scene scene) => SurviveAsync(scene, async daemon =>
    {
        await scene.RunAsync($"kill -KILL {daemon}");
        await scene.WaitAsync("a new daemon", 60, async () => await scene.RunAsync("systemctl show -P MainPID lamina.service") is var now && now != daemon && now != "0"
            && await scene.RunAsync("systemctl show -P ActiveState lamina.service") == "active");
        scene.Say(await scene.RunAsync("systemctl show lamina.service -p NRestarts,Result,ActiveState | paste -sd' '"));
    });

    private static Task UpgradeAsync(Scene scene) => SurviveAsync(scene, async daemon =>
    {
        string before = await scene.RunAsync("dpkg-query -W -f '${Version}' lamina");
        await scene.RunAsync($"DEBIAN_FRONTEND=noninteractive apt-get -q install -y {Scene.Media}/lamina-next.deb", 300);
        scene.Say($"{before} → {await scene.RunAsync("dpkg-query -W -f '${Version}' lamina")}");
        string now = await scene.RunAsync("systemctl show -P MainPID lamina.service");
        scene.Require(now != daemon, "The former daemon still runs.");
        string program = await scene.RunAsync($"readlink /proc/{now}/exe");
        scene.Require(program == "/usr/lib/lamina/laminad", $"The daemon's program is {program}.");
    });

    /// <summary>Does something to the daemon, and sees that its guest has the same QEMU and kernel as before, and is in its hands again.</summary>
    private static async Task SurviveAsync(Scene scene, Func<string, Task> act)
    {
        double uptime = await scene.WaitForGuestAsync(GuestSteps.First);
        int? qemu = await scene.QemuAsync(GuestSteps.First);
        string daemon = await scene.RunAsync("systemctl show -P MainPID lamina.service");
        await act(daemon);
        await scene.WaitAsync("the VM in the new daemon's hands", 60, async () => (await scene.TryAsync($"lamina vm show {GuestSteps.First}")).ExitCode == 0
            && await scene.StateAsync(GuestSteps.First) == "running");
        double later = await scene.WaitForGuestAsync(GuestSteps.First, 60);
        scene.Say($"daemon {daemon} → {await scene.RunAsync("systemctl show -P MainPID lamina.service")}; QEMU {qemu} → {await scene.QemuAsync(GuestSteps.First)}; guest up {uptime:0} s → {later:0} s");
        scene.Require(qemu == await scene.QemuAsync(GuestSteps.First), "It has another QEMU.");
        scene.Require(later > uptime, "Its guest has booted anew.");
    }
}
