namespace Lamina.Tests.Nested.Steps;

/// <summary>Debian's kernel tracks connections on bridges; the machines on which Lamina is written do not.</summary>
internal static class FirewallSteps
{
    private const string Group = "closed";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("the firewall of cards goes by the kernel's connection tracking", FilterAsync),
    ];

    /// <summary>A group that lets nothing in: the host's ping is dropped, and the answers to the guest's own pass.</summary>
    private static async Task FilterAsync(Scene scene)
    {
        string address = (string)(await scene.AskAsync($"vm show {GuestSteps.First}"))["spec"]!["nics"]![0]!["address"]!;
        string ping = $"ping -c 1 -W 10 {address}";
        await scene.WaitAsync($"an answer of {address}", 60, async () => (await scene.TryAsync(ping)).ExitCode == 0);
        string host = await scene.RunAsync($"lamina vm exec {GuestSteps.First} -- ip route show default | grep -o '[0-9.]*' | head -n 1");
        await scene.RunAsync($"lamina firewall group create {Group} && lamina vm firewall set {GuestSteps.First} --group {Group}");
        await scene.WaitAsync("the group to be applied", 30, async () => (bool?)(await scene.AskAsync($"vm firewall show {GuestSteps.First}"))["applied"] == true);
        var shown = await scene.AskAsync($"vm firewall show {GuestSteps.First}");
        scene.Say($"{shown["tracking"]}: {shown["trackingReason"]}");
        scene.Require((string?)shown["tracking"] == "conntrack", $"The firewall goes by {shown["tracking"]}.");
        scene.Require((await scene.TryAsync(ping)).ExitCode == 1, "The host's ping came through.");
        await scene.RunAsync($"lamina vm exec {GuestSteps.First} -- ping -c 1 -W 20 {host}");
        scene.Say($"ping {address} by the host: dropped; ping {host} by the guest: answered");
        await scene.RunAsync($"lamina vm firewall set {GuestSteps.First} --none && {ping} && lamina firewall group delete {Group} --yes");
        scene.Say("without the group the host's ping is answered again");
    }
}
