using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lamina.Server.Cluster;

/// <summary>A member of the etcd cluster.</summary>
/// <param name="Id">Hexadecimal, as etcdctl shows it.</param>
/// <param name="Name">The host's id; empty until it has started once.</param>
/// <param name="PeerUrl">Where the others reach it.</param>
/// <param name="IsLearner">It follows and does not vote.</param>
internal sealed record EtcdMember(string Id, string Name, string PeerUrl, bool IsLearner);

/// <summary>How one member is.</summary>
/// <param name="Member">Its id, hexadecimal.</param>
/// <param name="Revision">Of its copy of the store.</param>
/// <param name="Version">Of etcd.</param>
/// <param name="DatabaseBytes">Of its file.</param>
/// <param name="UsedBytes">Of what is in it.</param>
/// <param name="Leader">Id of the member that leads, as it knows.</param>
internal sealed record EtcdMemberStatus(string Member, long Revision, string Version, long DatabaseBytes, long UsedBytes, string Leader);

/// <summary>
/// The care of an etcd cluster, by the JSON form of its gRPC interface (etcd 3.4, rpc.proto: Cluster and Maintenance), which every member answers on its client
/// address. Records go another way: this is for its members only.
/// </summary>
/// <param name="endpoints">Asked in turn until one answers.</param>
/// <param name="certificate">This host's.</param>
/// <param name="caPem">Of the cluster.</param>
internal sealed class EtcdAdmin(Func<IReadOnlyList<string>> endpoints, Func<X509Certificate2> certificate, string caPem) : IDisposable
{
    private const string NoSpace = "NOSPACE";

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DefragmentPatience = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectTimeout = ConnectPatience,
        UseProxy = false,
        // Asked seldom, and a certificate that was renewed must be shown the next time.
        PooledConnectionLifetime = TimeSpan.FromSeconds(30),
        SslOptions = new SslClientAuthenticationOptions
        {
            LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate(),
            CertificateChainPolicy = TrustOnly(caPem),
        },
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public async Task<IReadOnlyList<EtcdMember>> MembersAsync(CancellationToken cancellation) => MembersIn(await AskAsync("cluster/member/list", [], cancellation));

    /// <summary>Adds one that follows and does not vote yet.</summary>
    /// <exception cref="EtcdAdminException">etcd refuses it.</exception>
    public async Task<IReadOnlyList<EtcdMember>> AddLearnerAsync(string peerUrl, CancellationToken cancellation) =>
        MembersIn(await AskAsync("cluster/member/add", new JsonObject { ["peerURLs"] = new JsonArray(peerUrl), ["isLearner"] = true }, cancellation));

    /// <summary>Lets a learner vote; refused until it has caught up.</summary>
    /// <exception cref="EtcdAdminException">It has not yet.</exception>
    public Task PromoteAsync(string id, CancellationToken cancellation) => AskAsync("cluster/member/promote", new JsonObject { ["ID"] = Decimal(id) }, cancellation);

    public Task RemoveAsync(string id, CancellationToken cancellation) => AskAsync("cluster/member/remove", new JsonObject { ["ID"] = Decimal(id) }, cancellation);

    /// <summary>Says under which address it is reached now.</summary>
    public Task UpdateAsync(string id, string peerUrl, CancellationToken cancellation) =>
        AskAsync("cluster/member/update", new JsonObject { ["ID"] = Decimal(id), ["peerURLs"] = new JsonArray(peerUrl) }, cancellation);

    /// <param name="cancellation">Ends the question.</param>
    /// <param name="endpoint">Of the member that is asked; null: the first that answers.</param>
    public async Task<EtcdMemberStatus> StatusAsync(CancellationToken cancellation, string? endpoint = null)
    {
        var answer = await AskAsync("maintenance/status", [], cancellation, endpoint);
        return new EtcdMemberStatus(Hexadecimal(answer["header"]?["member_id"]), Number(answer["header"]?["revision"]), (string?)answer["version"] ?? "", Number(answer["dbSize"]), Number(answer["dbSizeInUse"]), Hexadecimal(answer["leader"]));
    }

    /// <summary>Gives room that compaction has freed back to the disk; the member answers nothing meanwhile.</summary>
    public Task DefragmentAsync(string endpoint, CancellationToken cancellation) => AskAsync("maintenance/defragment", [], cancellation, endpoint, DefragmentPatience);

    /// <summary>Members that have used up their quota: etcd takes no writes until each of them says that it has room again.</summary>
    public async Task<IReadOnlyList<string>> FullMembersAsync(CancellationToken cancellation, string? endpoint = null)
    {
        var answer = await AskAsync("maintenance/alarm", new JsonObject { ["action"] = "GET" }, cancellation, endpoint);
        return [.. (answer["alarms"]?.AsArray() ?? []).Where(alarm => (string?)alarm!["alarm"] == NoSpace).Select(alarm => Hexadecimal(alarm!["memberID"]))];
    }

    /// <summary>Says that a member has room again.</summary>
    public Task DisarmAsync(string member, CancellationToken cancellation) =>
        AskAsync("maintenance/alarm", new JsonObject { ["action"] = "DEACTIVATE", ["memberID"] = Decimal(member), ["alarm"] = NoSpace }, cancellation);

    /// <summary>Forgets the history up to a revision.</summary>
    public Task CompactAsync(long revision, CancellationToken cancellation) =>
        AskAsync("kv/compaction", new JsonObject { ["revision"] = revision.ToString(CultureInfo.InvariantCulture), ["physical"] = true }, cancellation, patience: DefragmentPatience);

    public void Dispose() => _http.Dispose();

    private async Task<JsonObject> AskAsync(string path, JsonObject body, CancellationToken cancellation, string? only = null, TimeSpan? patience = null)
    {
        byte[] content = System.Text.Encoding.UTF8.GetBytes(body.ToJsonString());
        Exception? last = null;
        foreach (string endpoint in only is null ? endpoints() : [only])
        {
            try
            {
                using var request = new ByteArrayContent(content) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                deadline.CancelAfter(patience ?? Patience);
                using var response = await _http.PostAsync(new Uri($"{endpoint}/v3/{path}"), request, deadline.Token);
                string text = await response.Content.ReadAsStringAsync(deadline.Token);
                if (response.IsSuccessStatusCode) return JsonNode.Parse(text)!.AsObject();
                throw new EtcdAdminException(Words(text));
            }
            catch (Exception failure) when (failure is HttpRequestException or JsonException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                last = failure;
            }
        }

        throw new EtcdAdminException(last?.Message ?? "no member of it is known", last);
    }

    private static string Words(string text)
    {
        try
        {
            return (string?)JsonNode.Parse(text)?["error"] ?? text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static IReadOnlyList<EtcdMember> MembersIn(JsonObject answer) =>
    [
        .. (answer["members"]?.AsArray() ?? []).Select(member => new EtcdMember(
            Hexadecimal(member!["ID"]), (string?)member["name"] ?? "", (string?)member["peerURLs"]?.AsArray().FirstOrDefault() ?? "", (bool?)member["isLearner"] ?? false)),
    ];

    // 64-bit numbers are strings in protobuf's JSON.
    private static long Number(JsonNode? node) => node is null ? 0 : long.Parse(node.ToString(), CultureInfo.InvariantCulture);

    private static string Hexadecimal(JsonNode? node) => node is null ? "" : ulong.Parse(node.ToString(), CultureInfo.InvariantCulture).ToString("x", CultureInfo.InvariantCulture);

    private static string Decimal(string id) => ulong.Parse(id, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);

    private static X509ChainPolicy TrustOnly(string pem)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(pem));
        return policy;
    }
}

/// <summary>etcd does not answer, or refuses what was asked.</summary>
internal sealed class EtcdAdminException(string message, Exception? cause = null) : IOException(message, cause);
