using System.Net;
using System.Net.Sockets;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Networks;

/// <summary>Another member of the cluster, which a host must still reach after a move of its addresses.</summary>
/// <param name="Host">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="Address">Of its port for the other hosts.</param>
internal sealed record UplinkMember(string Host, string Name, string Address);

/// <summary>
/// Whether this host reaches the rest of its cluster. A person who can still reach one host says nothing of the others: each finds out by itself, by new connections to
/// those that it reached before, and by asking the store.
/// </summary>
internal sealed class UplinkReach(string hostId, IStore store, Cache cache, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The store, in a list of members.</summary>
    public const string Store = "the cluster's store";

    /// <summary>The others that say that they live; none on a host by itself.</summary>
    public IReadOnlyList<UplinkMember> Members()
    {
        var snapshot = cache.Snapshot;
        return
        [
            .. snapshot.All(Keys.Hosts.Spec).Where(host => host.Id != hostId && host.Record.Addresses is not null && snapshot.Get(Keys.Hosts.Live, host.Id) is not null)
                .Select(host => new UplinkMember(host.Id, host.Record.Name, host.Record.Addresses!.Peer)),
        ];
    }

    /// <summary>Those of them that a new connection comes to.</summary>
    public async Task<IReadOnlyList<UplinkMember>> ReachedAsync(IReadOnlyList<UplinkMember> members, CancellationToken cancellation)
    {
        var tries = await Task.WhenAll(members.Select(member => IsReachedAsync(member, cancellation)));
        return [.. members.Where((_, index) => tries[index])];
    }

    /// <summary>The store answers, and not from this host's memory.</summary>
    public Task<bool> AnswersAsync(CancellationToken cancellation) =>
        TryAsync(async patience => await store.GetAsync(Keys.Hosts.Spec[hostId], patience), cancellation);

    private Task<bool> IsReachedAsync(UplinkMember member, CancellationToken cancellation) => TryAsync(
        async patience =>
        {
            var address = new Uri($"tcp://{member.Address}");
            var isNumber = IPAddress.TryParse(address.DnsSafeHost, out var number);
            using var socket = isNumber ? new Socket(number!.AddressFamily, SocketType.Stream, ProtocolType.Tcp) : new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(isNumber ? new IPEndPoint(number!, address.Port) : new DnsEndPoint(address.DnsSafeHost, address.Port), patience);
        },
        cancellation);

    private async Task<bool> TryAsync(Func<CancellationToken, Task> ask, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            await ask(either.Token);
            return true;
        }
        catch (Exception away) when (away is SocketException or IOException || (away is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }
}
