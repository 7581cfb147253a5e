using System.Globalization;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.Cluster;

/// <summary><c>/v1/cluster</c>: of which cluster this host is a member, and how it becomes one.</summary>
internal sealed class ClusterEndpoints(ClusterRoom room, EventLog events, TimeProvider time)
{
    private const int DefaultMinutes = 60;
    private const int MostMinutes = 7 * 24 * 60;

    private static readonly ObjectReference Target = new() { Kind = "cluster", Id = "cluster" };

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/cluster", Permission.View, "Shows the cluster: its hosts, who keeps its store, and what to know of it", ShowAsync)
            .Answers(ApiJson.Default.ClusterStatus).InstallationWide();
        api.Post("/v1/cluster/init", Permission.Administer, "Makes this host the first of a cluster; guests run on", InitAsync)
            .Takes(ApiJson.Default.ClusterInit).Answers(ApiJson.Default.ClusterStatus).InstallationWide().Problems("cluster.already", "cluster.address", "etcd.notInstalled");
        api.Post("/v1/cluster/tokens", Permission.Administer, "Makes a token by which one host may join", MakeTokenAsync)
            .Takes(ApiJson.Default.ClusterTokenCreate, optional: true).Answers(ApiJson.Default.ClusterToken, StatusCodes.Status201Created).InstallationWide().Problems("cluster.alone");
        api.Post("/v1/cluster/join", Permission.Administer, "Makes this host a member of another one's cluster", JoinAsync)
            .Takes(ApiJson.Default.ClusterJoin).Answers(ApiJson.Default.ClusterJoined).InstallationWide().Problems("cluster.already", "cluster.noAnswer", "cluster.tokenInvalid");
        api.Post("/v1/cluster/address", Permission.Administer, "Lets this host be reached at another address; taken back unless every member reaches it there", MoveAsync)
            .Takes(ApiJson.Default.ClusterAddress).Answers(ApiJson.Default.ClusterAddressChange).InstallationWide()
            .Problems("cluster.alone", "cluster.address", "cluster.addressTried", "cluster.sameAddress", "cluster.unreachable", "cluster.quorum", "cluster.othersSilent");
        api.Post("/v1/cluster/certificate/rotate", Permission.Administer, "Gives this host a new certificate among the members", RotateAsync)
            .AnswersNothing().InstallationWide().Problems("cluster.alone");
    }

    private async ValueTask<ApiAnswer> ShowAsync(ApiRequest request) => ApiAnswer.Ok(await room.StatusAsync(request.Snapshot, request.Aborted), ApiJson.Default.ClusterStatus);

    private async ValueTask<ApiAnswer> InitAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.ClusterInit);
        var problems = new InputProblems();
        if (!Names.IsLabel(body.Name)) problems.Add("$.name", "name.invalid", "Write 1 to 63 lower-case letters, digits and hyphens.");
        if (body.Etcd is { } etcd) ExternalEtcdRules.Check(etcd, problems);
        problems.ThrowIfAny();
        var founding = room.Planned(body);
        var change = new StoreChange("cluster.init");
        events.Add(change, new EventDraft { Kind = "cluster.init", Message = $"This host becomes the first of the cluster '{body.Name}', at {founding.Address}.", Target = Target });
        await request.CommitAsync(change, ApiAnswer.NoContent(), Target);
        await room.FoundAsync(founding, request.Aborted);
        request.Http.Response.OnCompleted(RestartAsync);
        return ApiAnswer.Ok(room.StatusOf(request.Snapshot, founding), ApiJson.Default.ClusterStatus);
    }

    private async ValueTask<ApiAnswer> MakeTokenAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.ClusterTokenCreate);
        var problems = new InputProblems();
        if (body.LifetimeMinutes is < 1 or > MostMinutes) problems.Add("$.lifetimeMinutes", "value.range", string.Create(CultureInfo.InvariantCulture, $"Write 1 to {MostMinutes} minutes."));
        problems.ThrowIfAny();
        var token = JoinToken.Create(room.CaFingerprint, room.PeerAddresses(request.Snapshot));
        var record = new JoinTokenRecord { SecretSha256 = JoinToken.HashOf(token.Secret), ExpiresAt = time.GetUtcNow().AddMinutes(body.LifetimeMinutes ?? DefaultMinutes), MadeBy = request.Caller.Subject };
        var answer = new ApiAnswer { Status = StatusCodes.Status201Created, Body = new ClusterToken { Token = token.ToString(), ExpiresAt = record.ExpiresAt }, BodyType = ApiJson.Default.ClusterToken };
        return await request.CommitAsync(new StoreChange("cluster.token").Create(Keys.JoinTokens, token.Id, record), answer, new ObjectReference { Kind = "clusterToken", Id = token.Id });
    }

    private async ValueTask<ApiAnswer> JoinAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.ClusterJoin);
        var token = JoinToken.Parse(body.Token);
        var joined = await room.JoinAsync(body, token, async cluster =>
        {
            // The last thing that is written into the store that it leaves.
            var change = new StoreChange("cluster.leaveAlone");
            events.Add(change, new EventDraft { Kind = "cluster.join", Message = $"This host joins the cluster '{cluster}'.", Target = Target });
            await request.CommitAsync(change, ApiAnswer.NoContent(), Target);
        }, request.Aborted);
        if (!body.DryRun) request.Http.Response.OnCompleted(RestartAsync);
        return ApiAnswer.Ok(joined, ApiJson.Default.ClusterJoined);
    }

    private async ValueTask<ApiAnswer> MoveAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.ClusterAddress);
        var moving = room.ChangeAddress();
        string address = await moving.CheckAsync(request.Snapshot, body.Address, request.Aborted);
        var change = new StoreChange("cluster.address");
        events.Add(change, new EventDraft { Kind = "host.addressTried", Message = $"This host tries the address {address}; it is taken back unless every member reaches it there.", Target = Target });
        await request.CommitAsync(change, ApiAnswer.NoContent(), Target);
        var begun = moving.Begin(address);
        request.Http.Response.OnCompleted(RestartAsync);
        return ApiAnswer.Ok(begun, ApiJson.Default.ClusterAddressChange);
    }

    private async ValueTask<ApiAnswer> RotateAsync(ApiRequest request)
    {
        var trust = room.RequireTrust();
        var answer = await request.CommitAsync(new StoreChange("cluster.certificate"), ApiAnswer.NoContent(), Target);
        await trust.RotateAsync(request.Aborted);
        return answer;
    }

    private Task RestartAsync()
    {
        room.Restart.Ask();
        return Task.CompletedTask;
    }
}
