using System.Text.Json.Nodes;

namespace Lamina.Tests.Nested.Steps;

/// <summary>`lamina cluster upgrade` where systemd starts the daemons and dpkg has installed the first of them.</summary>
internal static class UpgradeSteps
{
    private const string Broken = "/var/tmp/broken.deb";
    private const string Hanging = "/var/tmp/hanging.deb";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("a version that ends at its start is followed by the one before, and the upgrade halts", TryBrokenAsync) { IsCluster = true },
        new("so is one that hangs at its start", TryHangingAsync) { IsCluster = true },
        new("cluster upgrade replaces both daemons, one after the other; the guests run on", UpgradeAsync) { IsCluster = true },
        new("systemd starts the new version from now on, and a package that dpkg installs later follows it", InstallAsync) { IsCluster = true },
    ];

    private static async Task TryBrokenAsync(Scene scene)
    {
        await MakeAsync(scene, Broken, "broken", "exit 1");
        await TryAsync(scene, Broken);
    }

    /// <summary>systemd ends it when it has not said that it is ready for as long as the unit allows, TimeoutStartSec.</summary>
    private static async Task TryHangingAsync(Scene scene)
    {
        await MakeAsync(scene, Hanging, "hanging", "exec sleep 3600");
        await TryAsync(scene, Hanging);
    }

    private static async Task UpgradeAsync(Scene scene)
    {
        var before = await DaemonsAsync(scene);
        await RunOnAsync(scene, async () =>
        {
            scene.Say(await scene.RunAsync($"lamina cluster upgrade --package {Scene.Media}/lamina-next.deb --dry-run 2>&1"));
            scene.Say(await scene.RunAsync($"lamina cluster upgrade --package {Scene.Media}/lamina-next.deb --yes 2>&1", 420));
        });
        string wanted = await scene.RunAsync($"dpkg-deb --field {Scene.Media}/lamina-next.deb Version");
        scene.Require((await VersionsAsync(scene)).All(version => version == wanted), $"Not all have version {wanted}.");
        foreach (var (unit, _, program) in await DaemonsAsync(scene)) scene.Require(program.EndsWith($"/versions/{wanted}/laminad", StringComparison.Ordinal), $"{unit} runs {program}.");
        scene.Say(await scene.RunAsync("lamina events | grep -E 'host.upgrading|cluster.upgraded' | tail -n 3"));
        var after = await DaemonsAsync(scene);
        scene.Require(before.Zip(after).All(pair => pair.First.Pid != pair.Second.Pid), "A daemon was not replaced.");
    }

    private static async Task InstallAsync(Scene scene)
    {
        await RunOnAsync(scene, async () =>
        {
            await scene.RunAsync($"systemctl restart {string.Join(' ', SecondHostSteps.Units)}", 180);
            foreach (var (unit, _, program) in await DaemonsAsync(scene)) scene.Require(program.Contains("/versions/", StringComparison.Ordinal), $"After its restart {unit} runs {program}.");
            await scene.RunAsync($"DEBIAN_FRONTEND=noninteractive apt-get -q install -y {Scene.Media}/lamina-next.deb", 300);
            await scene.RunAsync("systemctl restart lamina-second.service", 120);
            foreach (var (unit, _, program) in await DaemonsAsync(scene)) scene.Require(program == "/usr/lib/lamina/laminad", $"After the installation {unit} runs {program}.");
        });
        scene.Say(await scene.RunAsync("dpkg-query -W -f '${Package} ${Version} ${Status}\\n' lamina"));
    }

    /// <summary>A package of a version that says its name and does nothing else of what a daemon does.</summary>
    private static Task MakeAsync(Scene scene, string file, string name, string deed) => scene.RunAsync($"""
        set -e
        rm -rf /var/tmp/package
        mkdir -p /var/tmp/package/DEBIAN /var/tmp/package/usr/lib/lamina
        cd /var/tmp/package
        version=$(dpkg-deb --field {Scene.Media}/lamina-next.deb Version | sed 's/+next$/+{name}/')
        printf 'Package: lamina\nVersion: %s\nArchitecture: amd64\nMaintainer: nobody <nobody@lamina.invalid>\nDescription: a version that does not come up\n' $version > DEBIAN/control
        printf '#!/bin/sh\n[ "$1" != --version ] || exec echo %s\n{deed}\n' $version > usr/lib/lamina/laminad
        chmod 755 usr/lib/lamina/laminad
        dpkg-deb --root-owner-group -Znone --build . {file} > /dev/null
        """);

    private static async Task TryAsync(Scene scene, string package)
    {
        var before = await VersionsAsync(scene);
        await RunOnAsync(scene, async () =>
        {
            var halted = await scene.TryAsync($"lamina cluster upgrade --package {package} --yes", 420);
            scene.Require(halted.ExitCode != 0 && halted.Error.Contains("did not come up", StringComparison.Ordinal), $"It was not halted so: {halted}");
            scene.Say(halted.Error.Trim());
        });
        scene.Require(before.SequenceEqual(await VersionsAsync(scene)), "A host has another version.");
        foreach (var (unit, _, program) in await DaemonsAsync(scene)) scene.Require(program == "/usr/lib/lamina/laminad", $"{unit} runs {program}.");
        scene.Say(await scene.RunAsync("systemctl show lamina-second.service -p Id,NRestarts,Result,ActiveState | paste -sd' '"));
    }

    /// <summary>Whatever happens to the daemons, the guests of both hosts have the same QEMU and kernel after it.</summary>
    private static async Task RunOnAsync(Scene scene, Func<Task> act)
    {
        string[] guests = [GuestSteps.First, SecondHostSteps.Far];
        var before = new List<(int? Qemu, double Uptime)>();
        foreach (string guest in guests) before.Add((await scene.QemuAsync(guest), await scene.WaitForGuestAsync(guest)));
        await act();
        foreach (var (guest, (qemu, uptime)) in guests.Zip(before))
        {
            double later = await scene.WaitForGuestAsync(guest, 120);
            int? now = await scene.QemuAsync(guest);
            scene.Say($"{guest}: QEMU {qemu} → {now}; guest up {uptime:0} s → {later:0} s");
            scene.Require(now == qemu && later > uptime, $"{guest} did not run on.");
        }
    }

    private static async Task<IReadOnlyList<string?>> VersionsAsync(Scene scene) =>
        [.. (await scene.AskAsync("cluster status"))["members"]!.AsArray().Select(member => (string?)member!["daemonVersion"])];

    private static async Task<IReadOnlyList<(string Unit, string Pid, string Program)>> DaemonsAsync(Scene scene)
    {
        var daemons = new List<(string, string, string)>();
        foreach (string unit in SecondHostSteps.Units)
        {
            string pid = await scene.RunAsync($"systemctl show -P MainPID {unit}");
            daemons.Add((unit, pid, await scene.RunAsync($"readlink /proc/{pid}/exe")));
        }

        return daemons;
    }
}
