namespace Lamina.Tests.Nested.Steps;

/// <summary>VLANs with real frames: a namespace stands for the switch, whose trunk ports are the ends of the host's cards.</summary>
internal static class VlanSteps
{
    private const string Card = "eth9";
    private const string Filtering = "br9";
    private const string SecondCard = "eth8";

    public static IReadOnlyList<Step> All { get; } =
    [
        new("networks are VLANs of one card, beside the host's own address on it", ShareAsync) { IsCluster = true },
        new("a network goes to another VLAN with its guest", RetagAsync) { IsCluster = true },
        new("a bridge that filters VLANs stays as it is, and the doctor says what it lacks", FilterAsync) { IsCluster = true },
    ];

    private static async Task ShareAsync(Scene scene)
    {
        await scene.RunAsync($"""
            set -e
            ip netns add switch
            for card in {Card} {SecondCard}; do
              ip link add $card type veth peer name trunk-$card netns switch
              ip link set $card up
              ip -n switch link set trunk-$card up
            done
            ip address add 192.0.2.2/24 dev {Card}
            ip -n switch address add 192.0.2.1/24 dev trunk-{Card}
            for id in 100 200; do
              ip -n switch link add link trunk-{Card} name v$id type vlan id $id
              ip -n switch address add 10.0.$id.1/24 dev v$id
              ip -n switch link set v$id up
            done
            """);
        scene.Say(await scene.RunAsync($"lamina network create servers --bridge {Card} --vlan 100 2>&1 && lamina network create storage --bridge {Card} --vlan 200 2>&1"));
        var taken = await scene.TryAsync($"lamina network create again --bridge {Card} --vlan 100");
        scene.Require(taken.ExitCode != 0 && taken.Error.Contains("stands on VLAN 100", StringComparison.Ordinal), $"The tag was given twice: {taken}");
        await scene.RunAsync($"lamina vm nic add {GuestSteps.First} --network servers");
        await GiveAddressAsync(scene, GuestSteps.First, "eth1", "10.0.100.5/24");
        await ReachAsync(scene, "10.0.100.5", "the guest by VLAN 100");
        await scene.RunAsync("ping -c 1 -W 10 192.0.2.1");

        // On the wire of the other tag nobody hears it, though it has an address there.
        await GiveAddressAsync(scene, GuestSteps.First, "eth1", "10.0.200.5/24");
        scene.Require((await scene.TryAsync("ip netns exec switch ping -c 2 -W 3 10.0.200.5")).ExitCode != 0, "VLAN 200 reaches a guest of VLAN 100.");
        scene.Say("10.0.200.5 of the same guest by VLAN 200: no answer; 192.0.2.1 by the host, without a tag: answered");
        scene.Say(await scene.RunAsync("ip -d -o link show type vlan | grep -o 'lm[a-z2-7]*@[a-z0-9]*\\|vlan protocol 802.1Q id [0-9]*' | paste -sd' '"));
    }

    private static async Task RetagAsync(Scene scene)
    {
        await scene.RunAsync("lamina network delete storage --yes");
        scene.Say(await scene.RunAsync("lamina network set servers --vlan 200 2>&1"));
        await ReachAsync(scene, "10.0.200.5", "the guest by VLAN 200");
        scene.Require((await scene.TryAsync("ip netns exec switch ping -c 2 -W 3 10.0.100.5")).ExitCode != 0, "VLAN 100 still reaches the guest.");
        string links = await scene.RunAsync("ip -d -o link show type vlan | grep -c ' lm'");
        scene.Require(links == "1", $"{links} links for tags are there, of one network.");
        scene.Say("10.0.100.5 by VLAN 100: no answer any more; the deleted network's link is gone");
    }

    private static async Task FilterAsync(Scene scene)
    {
        await scene.RunAsync($"""
            set -e
            ip link add {Filtering} type bridge vlan_filtering 1
            ip link set {SecondCard} master {Filtering}
            ip link set {Filtering} up
            ip -n switch link add link trunk-{SecondCard} name w300 type vlan id 300
            ip -n switch address add 10.1.44.1/24 dev w300
            ip -n switch link set w300 up
            """);
        scene.Say(await scene.RunAsync($"lamina network create strict --bridge {Filtering} --vlan 300 2>&1"));
        string words = (await scene.TryAsync($"lamina doctor | grep -A1 'vlan 300 of {Filtering}'")).Output;
        scene.Require(words.Contains("passes only the VLANs", StringComparison.Ordinal), $"The doctor says: {words}");
        await scene.RunAsync($"lamina vm nic add {GuestSteps.First} --network strict");
        await GiveAddressAsync(scene, GuestSteps.First, "eth2", "10.1.44.5/24");
        scene.Require((await scene.TryAsync("ip netns exec switch ping -c 2 -W 3 10.1.44.5")).ExitCode != 0, "The bridge did not filter.");
        await scene.RunAsync($"bridge vlan add dev {Filtering} vid 300 self && bridge vlan add dev {SecondCard} vid 300");
        await ReachAsync(scene, "10.1.44.5", $"the guest through {Filtering}, once it has VLAN 300");
        scene.Require(await scene.RunAsync($"cat /sys/class/net/{Filtering}/bridge/vlan_filtering") == "1", "The bridge's setting was changed.");
        await RemoveCardsAsync(scene);
        await scene.RunAsync($"lamina network delete strict --yes && lamina network delete servers --yes && ip link delete {Filtering} && ip netns delete switch");
        scene.Require((await scene.TryAsync("ip -d -o link show type vlan | grep ' lm'")).ExitCode != 0, "A link of a deleted network is left.");
    }

    /// <summary>To a card of a guest, as soon as the guest has it.</summary>
    public static Task GiveAddressAsync(Scene scene, string vm, string card, string address) => scene.WaitAsync($"the guest's {card}", 60, async () =>
        (await scene.TryAsync($"lamina vm exec {vm} -- sh -c 'ip link set {card} up && ip addr add {address} dev {card}'")).ExitCode == 0);

    private static async Task ReachAsync(Scene scene, string address, string what)
    {
        await scene.WaitAsync(what, 60, async () => (await scene.TryAsync($"ip netns exec switch ping -c 1 -W 5 {address}")).ExitCode == 0);
        scene.Say($"{address} answers: {what}");
    }

    private static async Task RemoveCardsAsync(Scene scene)
    {
        foreach (var nic in (await scene.AskAsync($"vm show {GuestSteps.First}"))["spec"]!["nics"]!.AsArray().Where(nic => (int)nic!["slot"]! > 0))
            await scene.RunAsync($"lamina vm nic remove {GuestSteps.First} {nic!["slot"]}");
        await scene.WaitAsync("the cards to be gone", 60, async () => (await scene.AskAsync($"vm show {GuestSteps.First}"))["spec"]!["nics"]!.AsArray().Count == 1);
    }
}
