using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>Whether a member reaches a host at an address that is not its own yet.</summary>
/// <param name="Peer">Address and port.</param>
/// <param name="Nonce">What is said there.</param>
internal sealed record AddressQuestion(string Peer, string Nonce);

/// <summary>Whether a member has learned where a host is, and reaches it there.</summary>
/// <param name="Peer">Address and port.</param>
/// <param name="Etcd">Where its etcd answers, if it votes.</param>
internal sealed record AddressNews(string Peer, string? Etcd);

/// <param name="Problem">Why not; null: it does.</param>
internal sealed record AddressAnswer(string? Problem);

/// <summary>
/// Begins a change of this host's address: asks every live member whether it reaches the new one, and only then notes it and lets the daemon begin anew. That is a try, which
/// <see cref="AddressTrial"/> ends; meanwhile this host is reached by both.
/// </summary>
internal sealed class AddressChange(ClusterParts parts, HostVoter voter, PeerClient peers)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <returns>The address, as it will be noted.</returns>
    /// <exception cref="InputException">All that stands against it.</exception>
    /// <exception cref="ProblemException">It is not this host's, or another change is being tried.</exception>
    public async Task<string> CheckAsync(CacheSnapshot snapshot, string wanted, CancellationToken cancellation)
    {
        if (voter.Membership.AddressTry is { Problem: null } trying) throw ProblemException.Conflict(
            "cluster.addressTried", $"This host is trying another address: {trying.Wanted}.", "Wait for the end of that: lamina cluster status");
        string address = HostAddressRules.Choose(wanted, HostAddressRules.Own());
        if (!voter.Membership.IsThere(HostAddressRules.Own())) peers.BeginAnew();
        string peer = Addresses.Of(parts.Instance, address).Peer;
        var unreached = address == voter.Membership.Address ? new Dictionary<string, string>() : await UnreachedAsync(snapshot, peer, cancellation);
        var problems = new InputProblems();
        foreach (var refusal in AddressRules.Check(snapshot, parts.Host.Id, voter.Membership.Address, address, peer, unreached))
            problems.Add("$.address", refusal.Code, $"{refusal.Message} {refusal.Remedy}");
        problems.ThrowIfAny();
        return address;
    }

    /// <summary>Notes it: the next start of the daemon tries it.</summary>
    public ClusterAddressChange Begin(string address)
    {
        voter.Keep(now => now.At(parts.Instance, address) with { AddressTry = new AddressTry { Former = now.Address, Wanted = address } });
        return voter.Membership.AddressTry!.Shown();
    }

    private async Task<Dictionary<string, string>> UnreachedAsync(CacheSnapshot snapshot, string peer, CancellationToken cancellation)
    {
        string nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        await using var echo = JoinEcho.Listen(peer, nonce);
        var others = snapshot.All(Keys.Hosts.Spec).Select(host => host.Id).Where(id => id != parts.Host.Id && HostPresence.IsLive(snapshot, id)).ToArray();
        var answers = await Task.WhenAll(others.Select(async id => (Id: id, Problem: await AskAsync(id, new AddressQuestion(peer, nonce), cancellation))));
        return answers.Where(answer => answer.Problem is not null).ToDictionary(answer => answer.Id, answer => answer.Problem!, StringComparer.Ordinal);
    }

    private Task<string?> AskAsync(string hostId, AddressQuestion question, CancellationToken cancellation) =>
        AddressAsks.ProblemAsync(peers, hostId, "/peer/v1/address/check", question, ClusterJson.Default.AddressQuestion, Patience, parts.Time, cancellation);
}
