using Lamina.Server.Control;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>The other members' side of a change of address: they say whether they reach the host there, before it and when it is tried.</summary>
internal sealed class AddressDesk(HostVoter voter, PeerClient peers, Cache cache, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public void Map(PeerRoutes routes)
    {
        routes.Post("/peer/v1/address/check", async request =>
        {
            var question = await request.ReadAsync(ClusterJson.Default.AddressQuestion);
            await request.WriteAsync(new AddressAnswer(await PeerReach.ProblemAsync(question.Peer, question.Nonce, time, request.Aborted)), ClusterJson.Default.AddressAnswer);
        });
        routes.Post("/peer/v1/address/learned", async request =>
        {
            var news = await request.ReadAsync(ClusterJson.Default.AddressNews);
            await request.WriteAsync(new AddressAnswer(await ProblemAsync(request.HostId, news, request.Aborted)), ClusterJson.Default.AddressAnswer);
        });
    }

    private async Task<string?> ProblemAsync(string hostId, AddressNews news, CancellationToken cancellation)
    {
        if (cache.Snapshot.Get(Keys.Hosts.Spec, hostId)?.Record.Addresses?.Peer != news.Peer) return "it has not heard of the new address yet.";
        if (news.Etcd is not null && voter.Membership.External is null && !voter.Membership.Endpoints.Contains(news.Etcd)) return "it does not ask the store there yet.";
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/v1", UriKind.Relative));
            using var response = await peers.SendAsync(hostId, request, either.Token);
            return null;
        }
        catch (HttpRequestException failure)
        {
            return $"it does not reach this host there: {failure.Message}";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return "it gets no answer there.";
        }
    }
}
