namespace Lamina.Tests.Nested.Steps;

/// <summary>The package goes; what belongs to people stays until they say otherwise.</summary>
internal static class RemovalSteps
{
    public static IReadOnlyList<Step> All { get; } =
    [
        new("removing the package asks the guest to power off and takes the networks away", RemoveAsync),
        new("installed again, the daemon knows its virtual machines", ReturnAsync),
        new("a purge keeps the virtual machines unless asked", PurgeAsync),
    ];

    private static async Task RemoveAsync(Scene scene)
    {
        await scene.WaitForGuestAsync(GuestSteps.First);
        await scene.RunAsync("DEBIAN_FRONTEND=noninteractive apt-get -q remove -y lamina", 300);
        scene.Say(await scene.RunAsync("journalctl -b -u lamina-guests.service -o cat --no-pager | grep 'asking' | tail -n 1"));
        string left = await scene.RunAsync("pgrep -a 'qemu-system|laminad|dnsmasq' || true; ip -o link | grep ' lm' || true; nft list tables | grep lamina || true; ls -d /usr/lib/lamina 2>/dev/null || true");
        scene.Require(left.Length == 0, $"Left behind:\n{left}");
        scene.Say("no process, link, nft table or file of the package is left; " + await scene.RunAsync("du -sh /var/lib/lamina | cut -f1") + " in /var/lib/lamina are");
    }

    private static async Task ReturnAsync(Scene scene)
    {
        await scene.RunAsync($"DEBIAN_FRONTEND=noninteractive apt-get -q install -y {Scene.Media}/lamina.deb", 300);
        scene.Say(await scene.RunAsync("lamina vm list"));
        await scene.RunAsync($"lamina vm start {GuestSteps.First}", 120);
        await scene.WaitForGuestAsync(GuestSteps.First);
    }

    private static async Task PurgeAsync(Scene scene)
    {
        await scene.RunAsync("DEBIAN_FRONTEND=noninteractive apt-get -q purge -y lamina", 300);
        string kept = await scene.RunAsync("ls -d /etc/lamina /var/log/lamina /var/lib/lamina 2>/dev/null || true");
        scene.Require(kept == "/var/lib/lamina", $"After a purge there are: {kept}");
        await scene.RunAsync($"DEBIAN_FRONTEND=noninteractive apt-get -q install -y {Scene.Media}/lamina.deb && echo 'lamina lamina/remove-state boolean true' | debconf-set-selections", 300);
        await scene.RunAsync("DEBIAN_FRONTEND=noninteractive apt-get -q purge -y lamina", 300);
        string left = await scene.RunAsync("ls -d /etc/lamina /var/log/lamina /var/lib/lamina 2>/dev/null || true");
        scene.Require(left.Length == 0, $"After a purge with lamina/remove-state there are: {left}");
        scene.Say("kept by a purge: /var/lib/lamina; gone after one with lamina/remove-state = true");
    }
}
