using System.Net;
using System.Net.Sockets;
using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Server.Networks.Firewall;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

/// <summary>Real packets between two guests of one bridge, whose cards bear firewall groups.</summary>
public sealed class FirewallTests : IAsyncLifetime
{
    private const string WebGroup = "01970000-0000-7000-8000-00000000000a";
    private const string DatabaseGroup = "01970000-0000-7000-8000-00000000000b";
    private const string Gateway = "192.168.255.1";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private NetworkBench bench = null!;
    private Peer web = null!;
    private Peer database = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        bench = await NetworkBench.CreateAsync();
        (web, database) = (await PeerAsync("web", "52:54:00:00:00:01", 20), await PeerAsync("database", "52:54:00:00:00:02", 21));
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Fact]
    public async Task A_card_with_a_group_takes_only_what_a_rule_names_and_keeps_its_connections()
    {
        using var ssh = web.Listen(22);
        using var http = web.Listen(80);
        using var before = await ConnectAsync(database, web, 22, ssh);

        await SetAsync(WebGroup, Group(Rule(1, "80")));
        await BearAsync(web, WebGroup);
        await SpeakAsync(before.Server, before.Client); // the guest speaks, and the connection from before is known
        await SpeakAsync(before.Client, before.Server);
        using var through = await ConnectAsync(database, web, 80, http);
        await SpeakAsync(through.Client, through.Server);
        Assert.Equal((database.Address, "tcp", 22), await RefusedAsync(database, web, 22, FirewallDirection.In));
        Assert.False(await database.Guest.ReachesAsync(web.Address));
        Assert.True(await web.Guest.ReachesAsync(database.Address, tries: 3)); // the answer of a ping comes back
        Assert.True((await bench.Host.RunAsync(() => bench.Networks!.Firewall.CountAsync(Cancellation))).Rules[FirewallText.Counter(WebGroup, 1)].Packets > 0);
    }

    [Fact]
    public async Task A_rule_that_goes_ends_no_connection_nor_does_a_daemon_that_comes_anew()
    {
        using var listener = database.Listen(5432);
        await SetAsync(WebGroup, Group());
        await SetAsync(DatabaseGroup, Group(Rule(1, "5432") with { Peer = new() { Group = WebGroup } }));
        await BearAsync(database, DatabaseGroup);
        await RefusedAsync(web, database, 5432, FirewallDirection.In);
        await BearAsync(web, WebGroup); // and is thereby a member of the group that the rule names
        using var connection = await ConnectAsync(web, database, 5432, listener);

        await SetAsync(DatabaseGroup, Group());
        await SpeakAsync(connection.Client, connection.Server);
        await bench.RestartAsync();
        await ApplyAsync();
        await SpeakAsync(connection.Client, connection.Server);
        await SpeakAsync(connection.Server, connection.Client);
        await RefusedAsync(web, database, 5432, FirewallDirection.In);
    }

    [Fact]
    public async Task A_card_that_may_not_go_out_still_has_its_gateways_dhcp_and_names()
    {
        using var listener = database.Listen(443);
        await SetAsync(WebGroup, Group() with { Outbound = FirewallAction.Drop });
        await BearAsync(web, WebGroup);
        Assert.Equal((database.Address, "tcp", 443), await RefusedAsync(web, database, 443, FirewallDirection.Out));
        Assert.Contains($"ip={web.Address}", await web.Guest.AskAddressAsync());
        Assert.Contains(database.Address, (await web.Guest.RunAsync($"busybox nslookup database.lamina.internal {Gateway}")).OutputText, StringComparison.Ordinal);

        await SetAsync(WebGroup, Group(Rule(1, "443") with { Direction = FirewallDirection.Out, Peer = new() { Network = bench.NetworkId } }) with { Outbound = FirewallAction.Drop });
        using var connection = await ConnectAsync(web, database, 443, listener);
        await SpeakAsync(connection.Server, connection.Client);
    }

    [Fact]
    public async Task Datagrams_are_answered_and_an_earlier_rule_wins()
    {
        await SetAsync(WebGroup, Group(
            Rule(1, "53") with { Protocol = FirewallProtocol.Udp, Action = FirewallAction.Drop, Peer = new() { Cidr = $"{database.Address}/32" } },
            Rule(2, "53") with { Protocol = FirewallProtocol.Udp }));
        await BearAsync(web, WebGroup);
        using var server = web.Bind(53);
        using var client = database.Bind(5353);
        await client.SendToAsync("x"u8.ToArray(), new IPEndPoint(IPAddress.Parse(web.Address), 53), Cancellation);
        await DroppedAsync(web, FirewallDirection.In, "udp", 53);

        await SetAsync(WebGroup, Group(Rule(2, "53") with { Protocol = FirewallProtocol.Udp }));
        await client.SendToAsync("asked"u8.ToArray(), new IPEndPoint(IPAddress.Parse(web.Address), 53), Cancellation);
        var buffer = new byte[16];
        var asked = await server.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), Cancellation).AsTask().WaitAsync(Patience, Cancellation);
        await server.SendToAsync("told"u8.ToArray(), asked.RemoteEndPoint, Cancellation);
        Assert.Equal(4, await client.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(Patience, Cancellation));
    }

    [Fact]
    public async Task Rules_that_somebody_flushed_come_back_and_a_group_that_is_no_more_keeps_its_cards_shut()
    {
        await BearAsync(web, WebGroup);
        await RefusedAsync(database, web, 22, FirewallDirection.In);
        await bench.RunAsync("nft flush ruleset");
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        await ApplyAsync();
        await RefusedAsync(database, web, 22, FirewallDirection.In);
    }

    [Fact]
    public async Task A_card_is_paced_in_both_directions_until_its_rates_go()
    {
        await bench.ChangeNicAsync(web.Vm, nic => nic with { InboundKbps = 8_000, OutboundKbps = 1_000 });
        await ApplyAsync();
        using var paces = bench.Host.Run(() => new LinkPaces());
        var index = bench.Netlink.FindLink(web.Tap)!.Index;
        Assert.Equal(1_000_000, paces.List()[index].BytesPerSecond);
        Assert.InRange(paces.List()[index].BurstBytes, 127 * 1024, 129 * 1024);

        const int Frames = 2000;
        const int FrameBytes = 1400;
        var before = bench.Netlink.FindLink(database.Tap)!.Statistics.SentBytes;
        using (var flood = web.Bind(9)) // the discard protocol
        {
            var sink = new IPEndPoint(IPAddress.Parse(database.Address), 9);
            for (var frame = 0; frame < Frames; frame++) await flood.SendToAsync(new byte[FrameBytes], sink, Cancellation);
        }

        var passed = (long)(bench.Netlink.FindLink(database.Tap)!.Statistics.SentBytes - before);
        Assert.InRange(passed, 100_000, Frames * FrameBytes / 2); // the burst passes, and the flood does not

        await bench.RestartAsync();
        await bench.ChangeNicAsync(web.Vm, nic => nic with { InboundKbps = null, OutboundKbps = null });
        await ApplyAsync();
        Assert.DoesNotContain(index, paces.List().Keys);
    }

    private static FirewallGroupSpec Group(params FirewallRule[] rules) => new() { Name = "group", Rules = rules };

    private static FirewallRule Rule(int id, string port) =>
        new() { Id = id, Direction = FirewallDirection.In, Action = FirewallAction.Accept, Protocol = FirewallProtocol.Tcp, Ports = [port] };

    private async Task SetAsync(string id, FirewallGroupSpec group)
    {
        await bench.PutGroupAsync(id, group);
        await ApplyAsync();
    }

    private async Task BearAsync(Peer peer, params string[] groups)
    {
        await bench.ChangeNicAsync(peer.Vm, nic => nic with { FirewallGroups = groups });
        await ApplyAsync();
    }

    private async Task ApplyAsync() => Assert.Empty(await bench.ApplyAsync());

    private static async Task<Connection> ConnectAsync(Peer from, Peer to, int port, TcpListener listener)
    {
        var client = from.Socket(SocketType.Stream, ProtocolType.Tcp);
        var accepted = listener.AcceptSocketAsync(Cancellation).AsTask();
        await client.ConnectAsync(IPAddress.Parse(to.Address), port, Cancellation).AsTask().WaitAsync(Patience, Cancellation);
        return new(client, await accepted.WaitAsync(Patience, Cancellation));
    }

    private static async Task SpeakAsync(Socket from, Socket to)
    {
        var heard = new byte[1];
        await from.SendAsync("x"u8.ToArray(), Cancellation);
        Assert.Equal(1, await to.ReceiveAsync(heard, Cancellation).AsTask().WaitAsync(Patience, Cancellation));
    }

    /// <summary>Tries to connect, and waits until the filter tells that it dropped that.</summary>
    /// <returns>What it says: the other end, the protocol and the port.</returns>
    private async Task<(string Peer, string Protocol, int? Port)> RefusedAsync(Peer from, Peer to, int port, FirewallDirection direction)
    {
        using var client = from.Socket(SocketType.Stream, ProtocolType.Tcp);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var connecting = client.ConnectAsync(IPAddress.Parse(to.Address), port, ending.Token).AsTask();
        var drop = await DroppedAsync(direction == FirewallDirection.In ? to : from, direction, "tcp", port);
        Assert.False(connecting.IsCompletedSuccessfully);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => connecting);
        return (drop.Peer, drop.Protocol, drop.Port);
    }

    /// <summary>Waits for one more packet to be counted than there is at the first look.</summary>
    private async Task<FirewallDrop> DroppedAsync(Peer peer, FirewallDirection direction, string protocol, int port)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(Patience);
        while (true)
        {
            var counts = await bench.Host.RunAsync(() => bench.Networks!.Firewall.CountAsync(deadline.Token));
            if (counts.Drops[peer.Tap].FirstOrDefault(drop => drop.Direction == direction && drop.Protocol == protocol && drop.Port == port) is { } found)
            {
                await bench.RunAsync($"for s in dropped4_in dropped4_out; do nft flush set bridge {HostFirewall.TableOf(bench.Instance.NftTable)} $s; done");
                return found;
            }
        }
    }

    private async Task<Peer> PeerAsync(string name, string mac, int guest)
    {
        var nic = bench.Nic(mac, guest);
        var vm = await bench.AddVmAsync(name, nic);
        await ApplyAsync();
        var plugged = bench.Plug(vm, nic);
        await plugged.RunAsync($"ip address add {nic.Address}/24 dev eth0; ip route add default via {Gateway}");
        return new(vm, bench.Instance.LinkName(vm, "nic0"), nic.Address!, plugged);
    }

    private sealed record Connection(Socket Client, Socket Server) : IDisposable
    {
        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }

    private sealed record Peer(string Vm, string Tap, string Address, Guest Guest)
    {
        public Socket Socket(SocketType type, ProtocolType protocol) => Guest.Space.Run(() => new Socket(AddressFamily.InterNetwork, type, protocol));

        public Socket Bind(int port)
        {
            var socket = Socket(SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(Address), port));
            return socket;
        }

        public TcpListener Listen(int port) => Guest.Space.Run(() =>
        {
            var listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
            return listener;
        });
    }
}
