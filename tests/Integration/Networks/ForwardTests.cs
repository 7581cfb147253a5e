using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Processes;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

/// <summary>Real packets through forwarded ports, isolated networks and IPv6, with namespaces as guests.</summary>
public sealed class ForwardTests : IAsyncLifetime
{
    private const string Mac = "52:54:00:00:00:01";
    private const string OtherMac = "52:54:00:00:00:02";

    private readonly List<ChildProcess> services = [];
    private NetworkBench bench = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => bench = await NetworkBench.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var service in services)
        {
            service.SendToGroup(Signal.Kill);
            service.Dispose();
        }

        await bench.DisposeAsync();
    }

    [Fact]
    public async Task Ports_of_the_host_lead_to_a_guest_from_the_world_the_host_and_its_neighbours()
    {
        var (nic, other) = (bench.Nic(Mac, 20), bench.Nic(OtherMac, 21));
        var vm = await bench.AddVmAsync("web", nic);
        var neighbour = await GuestAsync("neighbour", other);
        await ForwardAsync(Forward(vm, 8080, 80), Forward(vm, 8090, 90) with { Count = 2 }, Forward(vm, 8070, 80) with { Source = "203.0.113.0/24" });
        var guest = await PlugAsync(vm, nic);
        Serve(guest, 80, "eighty");
        Serve(guest, 91, "ninety-one");

        Assert.Contains("eighty", await ConnectAsync(bench.World, NetworkBench.UplinkAddress, 8080), StringComparison.Ordinal);
        Assert.Contains("ninety-one", await ConnectAsync(bench.World, NetworkBench.UplinkAddress, 8091), StringComparison.Ordinal);
        Assert.Contains("eighty", await ConnectAsync(bench.Host, NetworkBench.UplinkAddress, 8080), StringComparison.Ordinal);
        await neighbour.AskAddressAsync();
        Assert.Contains("eighty", (await TryAsync(neighbour.Space, NetworkBench.UplinkAddress, 8080)), StringComparison.Ordinal); // by the host's address, and back the same way
        Assert.DoesNotContain("eighty", await TryAsync(bench.World, NetworkBench.UplinkAddress, 8070), StringComparison.Ordinal); // not from there
        await Guest.ShellAsync(bench.World, $"ip route add {nic.Address} via {NetworkBench.UplinkAddress}");
        Assert.DoesNotContain("eighty", await TryAsync(bench.World, nic.Address!, 80), StringComparison.Ordinal); // only what is forwarded

        await bench.ChangeNicAsync(vm, card => card with { Address = bench.Nic(Mac, 30).Address });
        Assert.Empty(await bench.ApplyAsync());
        await guest.RunAsync("ip address flush dev eth0");
        await guest.AskAddressAsync();
        Assert.Contains("eighty", await ConnectAsync(bench.World, NetworkBench.UplinkAddress, 8080), StringComparison.Ordinal); // follows the VM's address

        await bench.RemoveVmAsync(vm);
        Assert.Empty(await bench.ApplyAsync());
        Assert.DoesNotContain("8080", (await bench.RunAsync("nft list ruleset")).OutputText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_isolated_network_has_no_way_out_and_none_in()
    {
        var id = await bench.AddNetworkAsync(new() { Name = "quiet", Kind = NetworkKind.Isolated, Subnet = "10.10.0.0/24", DnsDomain = "quiet.internal" });
        var (one, two) = (await GuestAsync(id, "one", Mac, "10.10.0.10"), await GuestAsync(id, "two", OtherMac, "10.10.0.11"));
        var given = await one.AskAddressAsync();
        Assert.Contains("ip=10.10.0.10", given);
        Assert.Contains("router=", given);
        await two.AskAddressAsync();
        Assert.True(await one.ReachesAsync("10.10.0.11", tries: 5));
        Assert.Contains("10.10.0.11", (await one.RunAsync("busybox nslookup two.quiet.internal 10.10.0.1 2>&1")).OutputText, StringComparison.Ordinal);
        await one.RunAsync("ip route replace default via 10.10.0.1");
        Assert.False(await one.ReachesAsync(NetworkBench.WorldAddress, tries: 2));
        Assert.True(await Guest.ReachesAsync(bench.Host, "10.10.0.10", tries: 5)); // the host itself may
        await Guest.ShellAsync(bench.World, $"ip route add 10.10.0.0/24 via {NetworkBench.UplinkAddress}");
        Assert.False(await Guest.ReachesAsync(bench.World, "10.10.0.10", tries: 2));
        var outsider = await GuestAsync("outsider", bench.Nic("52:54:00:00:00:03", 22));
        await outsider.AskAddressAsync();
        Assert.False(await outsider.ReachesAsync("10.10.0.10", tries: 2));
    }

    [Fact]
    public async Task A_guest_has_its_IPv6_address_names_and_the_world_and_cannot_pretend()
    {
        await bench.RunAsync("ip -6 address add 2001:db8::2/64 dev uplink nodad; ip -6 route add default via 2001:db8::1 dev uplink");
        await Guest.ShellAsync(bench.World, "ip -6 address add 2001:db8::1/64 dev eth0 nodad");
        var id = await bench.AddNetworkAsync(new() { Name = "wide", Subnet = "10.10.0.0/24", Ipv6Subnet = "fd12:3456:789a::/64" });
        var (one, two) = (await GuestAsync(id, "one", Mac, "10.10.0.10"), await GuestAsync(id, "two", OtherMac, "10.10.0.11"));
        await one.AskAddressAsync();
        Assert.Equal("fd12:3456:789a::a", await AskIpv6Async(one, Mac));
        Assert.Equal("fd12:3456:789a::b", await AskIpv6Async(two, OtherMac));
        Assert.True(await one.ReachesAsync("fd12:3456:789a::1", tries: 5));
        Assert.True(await one.ReachesAsync("fd12:3456:789a::b", tries: 5));
        var router = await RouterOfAsync(one);
        Assert.StartsWith("fe80:", router, StringComparison.Ordinal); // advertised, since the host has a way out itself
        Assert.True(await one.ReachesAsync("2001:db8::1", tries: 5)); // which has no route back
        Assert.Contains("fd12:3456:789a::b", (await one.RunAsync("busybox nslookup -type=aaaa two.lamina.internal fd12:3456:789a::1 2>&1")).OutputText, StringComparison.Ordinal);
        Assert.Contains("two.lamina.internal", (await one.RunAsync("busybox nslookup fd12:3456:789a::b fd12:3456:789a::1 2>&1")).OutputText, StringComparison.Ordinal);
        Assert.Contains("two.lamina.internal", (await one.RunAsync("busybox nslookup 10.10.0.11 10.10.0.1 2>&1")).OutputText, StringComparison.Ordinal);

        // Another's address, also the router's: neither sent from, nor answered for.
        await one.RunAsync("ip -6 address add fd12:3456:789a::77/64 dev eth0 nodad");
        Assert.False(await one.ReachesAsync("fd12:3456:789a::b", tries: 2, "-I fd12:3456:789a::77"));
        Assert.False(await two.ReachesAsync("fd12:3456:789a::77", tries: 2));
        await one.RunAsync($"ip -6 address add {router}/64 dev eth0 nodad");
        Assert.False(await one.ReachesAsync("fd12:3456:789a::b", tries: 2, $"-I {router}"));
        await one.RunAsync($"ip -6 address delete {router}/64 dev eth0");

        await one.RunAsync("ip -6 address add fd12:3456:789a::b/64 dev eth0 nodad; ip -6 address delete fd12:3456:789a::77/64 dev eth0");
        await bench.RunAsync($"ip -6 neighbour flush dev {bench.StatusOf(id)!.Bridge}");
        Assert.True(await Guest.ReachesAsync(bench.Host, "fd12:3456:789a::b", tries: 5));
        Assert.Contains(OtherMac, (await bench.RunAsync("ip -6 neighbour show fd12:3456:789a::b")).OutputText, StringComparison.Ordinal); // of the two that answered, its owner
    }

    private static NetworkForward Forward(string vm, int port, int target) => new() { Id = $"{port}", Vm = vm, Port = port, VmPort = target };

    private Task ForwardAsync(params NetworkForward[] forwards) => bench.PutNetworkAsync(bench.NetworkId, bench.SpecOf(bench.NetworkId) with { Forwards = forwards });

    private async Task<Guest> GuestAsync(string name, VmNic nic) => await PlugAsync(await bench.AddVmAsync(name, nic), nic);

    private async Task<Guest> PlugAsync(string vm, VmNic nic)
    {
        Assert.Empty(await bench.ApplyAsync());
        var guest = bench.Plug(vm, nic);
        if (nic.Mac == Mac) await guest.AskAddressAsync();
        return guest;
    }

    private async Task<Guest> GuestAsync(string network, string name, string mac, string address)
    {
        var nic = new VmNic { Slot = 0, Network = network, Mac = mac, Address = address };
        var vm = await bench.AddVmAsync(name, nic);
        Assert.Empty(await bench.ApplyAsync());
        return bench.Plug(vm, nic, bench.StatusOf(network)!.Bridge!);
    }

    /// <summary>The address offered; a client would then configure it.</summary>
    private static async Task<string> AskIpv6Async(Guest guest, string mac)
    {
        var given = Dhcpv6Client.Ask(guest.Space, "eth0", mac);
        await guest.RunAsync($"ip -6 address replace {given}/64 dev eth0 nodad");
        return given;
    }

    private static async Task<string> RouterOfAsync(Guest guest) => await UntilAsync(
        async () => (await guest.RunAsync("ip -6 route show default | grep -o 'via fe80[^ ]*' | head -n1")).OutputText.Trim().Replace("via ", "", StringComparison.Ordinal), found => found.Length > 0);

    private void Serve(Guest guest, int port, string word) => services.Add(guest.Space.Run(() => ChildProcess.Spawn(new()
    {
        Program = "busybox", Arguments = ["nc", "-ll", "-p", $"{port}", "-e", "echo", word],
    })));

    private static Task<string> ConnectAsync(Testing.NetworkNamespace from, string address, int port) => UntilAsync(() => TryAsync(from, address, port), heard => heard.Length > 0);

    private static async Task<string> TryAsync(Testing.NetworkNamespace from, string address, int port) =>
        (await Guest.ShellAsync(from, $"busybox nc -w 2 {address} {port} </dev/null")).OutputText;

    private static async Task<string> UntilAsync(Func<Task<string>> ask, Func<string, bool> enough)
    {
        var end = BootTimeProvider.Shared.GetTimestamp() + 20_000_000_000;
        while (true)
        {
            var answer = await ask();
            if (enough(answer) || BootTimeProvider.Shared.GetTimestamp() > end) return answer;
        }
    }
}
