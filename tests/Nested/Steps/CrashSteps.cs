namespace Lamina.Tests.Nested.Steps;

/// <summary>No daemon may end but when somebody ends it: those of the whole run are looked at.</summary>
internal static class CrashSteps
{
    /// <summary>Where the kernel puts cores, for whoever looks into one.</summary>
    private const string Folder = "/var/crash";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("no daemon of the whole run has crashed", LookAsync) { IsGround = true },
    ];

    /// <summary>From now on a daemon that crashes leaves its core, also after a boot.</summary>
    public static Task KeepCoresAsync(Scene scene) => scene.RunAsync($"""
        set -e
        mkdir -p {Folder} /etc/systemd/system/lamina.service.d
        printf '[Service]\nLimitCORE=infinity\n' > /etc/systemd/system/lamina.service.d/core.conf
        echo 'kernel.core_pattern = {Folder}/%e.%p' > /etc/sysctl.d/core.conf
        sysctl -q -p /etc/sysctl.d/core.conf
        """);

    private static async Task LookAsync(Scene scene)
    {
        string ends = await scene.RunAsync("journalctl -u 'lamina*.service' --no-pager -o cat | grep -E 'Main process exited' | sort | uniq -c || true");
        scene.Say(ends.Length == 0 ? "no main process has ended with a failure" : ends);
        string cores = await scene.RunAsync($"ls -A {Folder}");
        scene.Require(cores.Length == 0 && !ends.Contains("dumped", StringComparison.Ordinal) && !ends.Contains("ABRT", StringComparison.Ordinal) && !ends.Contains("SEGV", StringComparison.Ordinal),
            $"A daemon has crashed: {ends}\n{cores}");
    }
}
