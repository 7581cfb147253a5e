using System.Globalization;

namespace Lamina.Tests.Nested.Steps;

/// <summary>Limits are not only written: they hold.</summary>
internal static class LimitSteps
{
    public static IReadOnlyList<Step> All { get; } =
    [
        new("a guest that wants more CPU than its limit is throttled", ThrottleAsync),
        new("a memory hog in QEMU's cgroup is killed there alone, and the VM comes back", HogAsync),
    ];

    private static async Task ThrottleAsync(Scene scene)
    {
        string scope = await scene.ScopeAsync(GuestSteps.First);
        await scene.RunAsync($"lamina vm set {GuestSteps.First} --cpu-limit 40");
        await scene.WaitAsync("cpu.max of 40 %", 20, async () => await scene.RunAsync($"cat {scope}/cpu.max") == "40000 100000");
        var before = await ReadAsync(scene, scope);
        await scene.TryAsync($"lamina vm exec {GuestSteps.First} -- timeout 5 sh -c 'while :; do :; done'");
        var after = await ReadAsync(scene, scope);
        scene.Say($"cpu.max 40000 100000; while its guest looped for 5 s: {after.Periods - before.Periods} periods, {after.Throttled - before.Throttled} of them throttled");
        scene.Require(after.Throttled > before.Throttled, "It was not throttled.");
        await scene.RunAsync($"lamina vm set {GuestSteps.First} --cpu-limit 100");
        await scene.WaitAsync("cpu.max of 100 %", 20, async () => await scene.RunAsync($"cat {scope}/cpu.max") == "100000 100000");
    }

    private static async Task<(long Periods, long Throttled)> ReadAsync(Scene scene, string scope)
    {
        var numbers = (await scene.RunAsync($"cat {scope}/cpu.stat")).Split('\n').Select(line => line.Split(' '))
            .ToDictionary(pair => pair[0], pair => long.Parse(pair[1], CultureInfo.InvariantCulture));
        return (numbers["nr_periods"], numbers["nr_throttled"]);
    }

    /// <summary>A process that eats memory stands for a QEMU that a guest has brought to do so.</summary>
    private static async Task HogAsync(Scene scene)
    {
        string scope = await scene.ScopeAsync(GuestSteps.First);
        int former = await scene.QemuAsync(GuestSteps.First) ?? throw new StepFailedException("It has no QEMU.");
        string daemon = await scene.RunAsync("systemctl show -P MainPID lamina.service");
        await scene.RunAsync("dmesg -C");
        var hog = await scene.TryAsync($"echo 0 > {scope}/cgroup.procs; exec tail /dev/zero");
        scene.Require(hog.ExitCode != 0, "The hog was not killed.");
        scene.Say(await scene.RunAsync("dmesg | grep -E 'oom-kill:|Killed process' | sed 's/^[^]]*] //; s/,nodemask.*oom_memcg/ oom_memcg/; s/,task_memcg.*,task=/ task=/; s/total-vm.*//'"));
        await scene.WaitAsync("its restart", 90, async () => await scene.QemuAsync(GuestSteps.First) is { } now && now != former);
        scene.Say(await scene.RunAsync($"lamina events | grep -E 'vm.crashed' | tail -n 1"));
        scene.Require(await scene.RunAsync("systemctl show -P MainPID lamina.service") == daemon, "The daemon was touched too.");
        await scene.WaitForGuestAsync(GuestSteps.First);
    }
}
