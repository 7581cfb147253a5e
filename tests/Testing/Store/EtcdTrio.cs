using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Lamina.Server.Store.Etcd.Protocol;
using Lamina.Testing.Bed;

namespace Lamina.Testing.Store;

/// <summary>
/// A real etcd of three members, each in a network of its own behind a switch, whose lines can be cut. The test reaches each of them by a relay of its own: also one that the others do not
/// reach any more.
/// </summary>
internal sealed class EtcdTrio : IAsyncDisposable
{
    private const string Bridge = "lan";
    private const string Prefix = "10.93.0.";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();
    private readonly NetworkNamespace _switch = new();
    private readonly List<Member> _members = [];

    private EtcdTrio()
    {
    }

    public IReadOnlyList<Member> Members => _members;

    public static async Task<EtcdTrio> StartAsync()
    {
        var trio = new EtcdTrio();
        try
        {
            trio.Wire();
            foreach (var member in trio._members) member.Start();
            using var deadline = new CancellationTokenSource(Patience);
            foreach (var member in trio._members) await member.WaitAsync(deadline.Token);
            return trio;
        }
        catch
        {
            await trio.DisposeAsync();
            throw;
        }
    }

    /// <summary>To the store, asking this member first.</summary>
    public EtcdAccess AccessBy(Member first) => new() { Endpoints = [first.Relay.Endpoint, .. _members.Where(member => member != first).Select(member => member.Relay.Endpoint)] };

    /// <summary>The member that leads, or one that follows.</summary>
    public async Task<Member> FindAsync(bool leader)
    {
        foreach (var member in _members)
        {
            using var connection = member.Connect();
            var status = await connection.Maintenance.StatusAsync(new StatusRequest());
            if ((status.Header.MemberId == status.Leader) == leader) return member;
        }

        throw new InvalidOperationException("none of the members is that");
    }

    /// <summary>Cuts a member off from the others; the test still reaches it. Null: all are whole again.</summary>
    public Task CutAsync(Member? lost) => _switch.RunAsync(() => BedLinks.LoadAsync($$"""
        table bridge faults
        delete table bridge faults
        table bridge faults {
          chain forward {
            type filter hook forward priority 0; policy accept;
            {{(lost is null ? "" : $"iifname {lost.Port} drop\noifname {lost.Port} drop")}}
          }
        }

        """));

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members) await member.DisposeAsync();
        _switch.Dispose();
        _folder.Dispose();
    }

    private void Wire()
    {
        _switch.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.Change("lo", new LinkChange { Up = true });
            netlink.CreateBridge(Bridge, new LinkChange { Up = true });
            netlink.AddAddress(Bridge, IPAddress.Parse($"{Prefix}254"), 24);
        });
        string all = string.Join(',', Enumerable.Range(1, 3).Select(number => $"m{number}={PeerOf(number)}"));
        for (int number = 1; number <= 3; number++)
        {
            var member = new Member(number, _folder.File($"m{number}"), all, () => _switch.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)));
            _members.Add(member);
            _switch.Run(() =>
            {
                using var netlink = new Netlink();
                netlink.CreateVeth(member.Port, "eth0", member.Network.File);
                netlink.Change(member.Port, new LinkChange { Master = Bridge, Up = true });
            });
            member.Network.Run(() =>
            {
                using var netlink = new Netlink();
                netlink.Change("lo", new LinkChange { Up = true });
                netlink.AddAddress("eth0", IPAddress.Parse(AddressOf(member.Number)), 24);
                netlink.Change("eth0", new LinkChange { Up = true });
            });
        }
    }

    private static string AddressOf(int number) => $"{Prefix}{number}";

    private static string ClientOf(int number) => $"http://{AddressOf(number)}:2379";

    private static string PeerOf(int number) => $"http://{AddressOf(number)}:2380";

    /// <summary>One of the three.</summary>
    internal sealed class Member(int number, string folder, string all, Func<Socket> newSocket) : IAsyncDisposable
    {
        private ChildProcess? _process;

        public int Number => number;

        public NetworkNamespace Network { get; } = new();

        /// <summary>The switch's end of its line.</summary>
        public string Port => $"port{number}";

        /// <summary>How the test reaches it.</summary>
        public LossyRelay Relay { get; } = new(ClientOf(number), newSocket);

        /// <summary>To this member alone.</summary>
        public EtcdAccess Access => new() { Endpoints = [Relay.Endpoint] };

        public EtcdConnection Connect() => new(Relay.Endpoint, Access);

        /// <summary>It does nothing any more, and its connections stay open.</summary>
        public void Pause() => _process!.Send(Signal.Stop);

        public void Continue() => _process!.Send(Signal.Continue);

        public void Start() => _process = Network.Run(() => ChildProcess.Spawn(new ChildSpec
        {
            Program = "etcd",
            Arguments =
            [
                "--name", $"m{number}", "--data-dir", folder, "--logger", "zap", "--log-level", "error",
                "--listen-client-urls", ClientOf(number), "--advertise-client-urls", ClientOf(number),
                "--listen-peer-urls", PeerOf(number), "--initial-advertise-peer-urls", PeerOf(number), "--initial-cluster", all,
            ],
            StandardError = ChildOutput.Tail(4096),
        }));

        /// <summary>Until it answers, which it does when there is a majority.</summary>
        public async Task WaitAsync(CancellationToken cancellation)
        {
            using var connection = Connect();
            while (true)
            {
                try
                {
                    await connection.Kv.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") }, cancellationToken: cancellation);
                    return;
                }
                catch (RpcException failure) when (!cancellation.IsCancellationRequested)
                {
                    if (_process!.WaitForExitAsync(CancellationToken.None).IsCompleted)
                        throw new InvalidOperationException($"etcd does not start: {Encoding.UTF8.GetString(_process.StandardError)}", failure);
                }

                await Task.Delay(20, cancellation);
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (_process is { } process)
            {
                process.Send(Signal.Kill);
                await process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
                process.Dispose();
            }

            await Relay.DisposeAsync();
            Network.Dispose();
        }
    }
}
