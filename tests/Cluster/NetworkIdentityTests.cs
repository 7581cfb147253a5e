using System.Net;
using System.Net.NetworkInformation;
using System.Text.RegularExpressions;
using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Testing;

namespace Lamina.Tests.Cluster;

/// <summary>
/// What a guest is to others goes with it: its address, and where its frames are sent. It has a card of the network between the hosts, by which a neighbour on the first host speaks
/// with it, and one in a LAN, whose switch learns where it is from QEMU's announcement alone: its kernel has no driver for that card and never says a word by it.
/// </summary>
public sealed partial class NetworkIdentityTests : IDisposable
{
    private const string LanBridge = "lan0", LanCard = "lan1";

    /// <summary>All the time, it says in vain that it has an address that is not its own.</summary>
    private const string Forge =
        "while :; do gateway=$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p'); "
        + "[ -z \"$gateway\" ] || { ip address add ${gateway%.*}.250/24 dev eth0; ping -c 1 -W 1 -I ${gateway%.*}.250 $gateway; }; sleep 1; done >/dev/null 2>&1";

    private readonly TemporaryFolder _folder = new();

    private string Heard => _folder.File("heard");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AGuestThatMovedIsReachedWhereItIsAndHasNothingLeftWhereItWas()
    {
        var deadline = TestContext.Current.CancellationToken;
        await using var bed = await ClusterBed.StartClusterAsync(2);
        await using var guests = await BedGuests.PrepareAsync(bed, deadline);
        // Its card goes with it, before the hosts do.
        using var neighbour = new NetworkNamespace();
        var (first, second) = (bed.Hosts[0], bed.Hosts[1]);
        string[] ports = [.. bed.Hosts.Select(host => AddLan(bed, host))];
        await first.LaminaAsync("network", "create", "lan", "--bridge", LanBridge);
        var vm = await guests.LaunchAsync("walker", first, BedGuests.SharedPool, deadline, settings => settings with { Script = Forge },
            create => create with { Nics = [new VmNicCreate(), new VmNicCreate { Network = "lan", Model = NicModel.E1000 }] });
        var (card, lanCard) = (vm.Spec.Nics[0], vm.Spec.Nics[1]);
        await AddNeighbourAsync(neighbour, first, card.Network!, deadline);
        using var ping = neighbour.Run(() => ChildProcess.Spawn(new ChildSpec { Program = "sh", Arguments = ["-c", $"exec busybox ping {card.Address} > {Heard}"] }));
        try
        {
            await AnsweredAsync(2);
            await second.Network.RunAsync(() => CountForgedAsync(card.Address!));
            Assert.Equal("", await PortOfAsync(bed, lanCard.Mac));

            await first.LaminaAsync("vm", "migrate", "walker", "--to", second.Name);
            await AnsweredAsync(Answers() + 2);
            Assert.DoesNotContain("DUP", await File.ReadAllTextAsync(Heard, deadline), StringComparison.Ordinal);
            Assert.Same(second, (await guests.RestsAsync(vm, runs: 1)).Host);
        }
        finally
        {
            ping.Send(Signal.Kill);
            await ping.WaitForExitAsync(CancellationToken.None);
        }

        // The first host sends its frames to the second, the LAN's switch to the second's card, and nothing of it is left on the first.
        Assert.Equal(IPAddress.Parse(second.Address), SentTo(first, card));
        Assert.Equal(ports[1], await PortOfAsync(bed, lanCard.Mac));
        await Eventually.BecomesAsync(_ => Task.FromResult(!HasTaps(first, vm)), "its taps are gone where it was");
        Assert.True(HasTaps(second, vm));

        // What it may not say it may not say here either.
        await Eventually.BecomesAsync(async _ => await CountedAsync(second, "tried") > 0, "it forges on");
        Assert.Equal(0, await CountedAsync(second, "passed"));
    }

    /// <summary>A bridge that the host's owner has made, with a card of its own in the switch.</summary>
    /// <returns>The switch's end.</returns>
    private static string AddLan(ClusterBed bed, BedHost host)
    {
        string port = bed.Plug(host.Network, LanCard);
        host.Network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.CreateBridge(LanBridge, new LinkChange { Up = true });
            netlink.Change(LanCard, new LinkChange { Master = LanBridge, Up = true });
        });
        return port;
    }

    /// <summary>The card of a VM that has no process: this test speaks by it.</summary>
    private static async Task AddNeighbourAsync(NetworkNamespace neighbour, BedHost host, string network, CancellationToken deadline)
    {
        var create = new VmCreate { Name = "neighbour", MemoryMiB = 64, Disks = [new VmDiskCreate { SizeBytes = 1 << 20, Pool = BedGuests.SharedPool }], Tags = ["begin-walker"] };
        var ended = await host.Client.Operations.WaitAsync((await host.Client.Vms.CreateAsync(create, deadline)).Id, null, deadline);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        var vm = (await host.Client.Vms.GetAsync("neighbour", deadline)).Value;
        Assert.Equal((await host.Client.Cluster.GetAsync(deadline)).Host, vm.Assignment!.Host);
        var nic = vm.Spec.Nics[0];
        string tap = host.Instance.LinkName(vm.Id, "nic0");
        host.Network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.CreateVeth(tap, "eth0", neighbour.File);
            netlink.Change(tap, new LinkChange { Alias = host.Instance.LinkOwner(vm.Id, "nic0"), Master = host.Instance.LinkName(network, "bridge"), Up = true });
        });
        neighbour.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.Change("eth0", new LinkChange { Mac = MacOf(nic) });
            netlink.Change("eth0", new LinkChange { Up = true });
            netlink.AddAddress("eth0", IPAddress.Parse(nic.Address!), 24);
        });
    }

    private Task AnsweredAsync(int times) => Eventually.BecomesAsync(_ => Task.FromResult(Answers() >= times), $"the guest has answered its neighbour {times} times");

    private int Answers() => File.Exists(Heard) ? Answer().Count(File.ReadAllText(Heard)) : 0;

    /// <summary>Where frames for the card go from a host.</summary>
    private static IPAddress? SentTo(BedHost host, VmNic nic) => host.Network.Run(() =>
    {
        using var netlink = new Netlink();
        var overlay = netlink.FindLink(host.Instance.LinkName(nic.Network!, "overlay"))!;
        return netlink.ListForwarding(overlay.Index).Entries.SingleOrDefault(entry => entry.Mac.Equals(MacOf(nic)))?.Destination;
    });

    private static bool HasTaps(BedHost host, Vm vm) => host.Network.Run(() =>
    {
        using var netlink = new Netlink();
        return vm.Spec.Nics.Any(nic => netlink.FindLink(host.Instance.LinkName(vm.Id, $"nic{nic.Slot}")) is not null);
    });

    /// <summary>Behind which of its ports the switch has learned a card to be; empty: it has not heard of it.</summary>
    private static async Task<string> PortOfAsync(ClusterBed bed, string mac)
    {
        string entries = await bed.OnSwitch(() => RunAsync("bridge", "fdb", "show"));
        return entries.Split('\n').FirstOrDefault(line => line.StartsWith(mac, StringComparison.OrdinalIgnoreCase))?.Split(' ')[2] ?? "";
    }

    /// <summary>Counts what the guest says with the forged address, before the rules and behind them.</summary>
    private static Task CountForgedAsync(string address)
    {
        string forged = $"{address[..address.LastIndexOf('.')]}.250";
        return BedLinks.LoadAsync($$"""
            table bridge watch {
              counter tried { }
              counter passed { }
              chain before {
                type filter hook prerouting priority -400;
                ip saddr {{forged}} counter name tried
                arp saddr ip {{forged}} counter name tried
              }
              chain behind {
                type filter hook prerouting priority -290;
                ip saddr {{forged}} counter name passed
                arp saddr ip {{forged}} counter name passed
              }
            }

            """);
    }

    private static async Task<int> CountedAsync(BedHost host, string counter) =>
        int.Parse(Packets().Match(await host.Network.RunAsync(() => RunAsync("nft", "list", "counter", "bridge", "watch", counter))).Groups[1].ValueSpan, provider: null);

    private static async Task<string> RunAsync(string program, params string[] arguments) =>
        (await Command.RunAsync(new CommandSpec { Program = program, Arguments = arguments, Timeout = TimeSpan.FromSeconds(30) }, TestContext.Current.CancellationToken)).EnsureSuccess().OutputText;

    private static PhysicalAddress MacOf(VmNic nic) => PhysicalAddress.Parse(nic.Mac.Replace(':', '-').ToUpperInvariant());

    [GeneratedRegex("bytes from")]
    private static partial Regex Answer();

    [GeneratedRegex("packets ([0-9]+)")]
    private static partial Regex Packets();
}
