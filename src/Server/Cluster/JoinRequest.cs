using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>The joining host's side: asks a member, over a line that is trusted by the CA in the token and by nothing else.</summary>
/// <param name="token">What it was given.</param>
/// <param name="time">The clock.</param>
internal sealed class JoinRequest(JoinToken token, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);

    /// <summary>The member that answers, and this host's address as seen on the way there.</summary>
    /// <exception cref="ProblemException">None does.</exception>
    public async Task<(Uri Member, string OwnAddress)> FindAsync(CancellationToken cancellation)
    {
        var failures = new List<string>();
        foreach (string address in token.Addresses)
        {
            try
            {
                var member = new Uri($"https://{address}");
                using var patience = new CancellationTokenSource(ConnectPatience, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
                using var line = new TcpClient();
                await line.ConnectAsync(member.DnsSafeHost, member.Port, either.Token);
                var own = ((IPEndPoint)line.Client.LocalEndPoint!).Address;
                return (member, (own.IsIPv4MappedToIPv6 ? own.MapToIPv4() : own).ToString());
            }
            catch (Exception failure) when (failure is SocketException or UriFormatException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                failures.Add($"{address}: {failure.Message}");
            }
        }

        throw new ProblemException(
            ProblemKind.Unavailable, "cluster.noAnswer", $"No member of the cluster answers: {string.Join("; ", failures)}",
            "Can this host reach those addresses? If the cluster has got others, make a new token: lamina cluster token");
    }

    /// <summary>Asks what stands against it. The cluster connects back meanwhile.</summary>
    public Task<JoinVerdict> CheckAsync(Uri member, JoinFacts facts, CancellationToken cancellation) =>
        AskAsync(member, "peer/v1/join/check", facts, ClusterJson.Default.JoinVerdict, cancellation);

    /// <summary>Becomes a member.</summary>
    public Task<JoinGrant> JoinAsync(Uri member, JoinFacts facts, CancellationToken cancellation) =>
        AskAsync(member, "peer/v1/join", facts, ClusterJson.Default.JoinGrant, cancellation);

    /// <summary>Says that this host does not come after all.</summary>
    /// <exception cref="ProblemException">The member does not answer, or refuses.</exception>
    public Task WithdrawAsync(Uri member, string hostId, CancellationToken cancellation) => SpeakAsync(
        member,
        async client =>
        {
            var withdrawal = new JoinWithdrawal(token.Id, token.Secret, hostId);
            using var response = await client.PostAsync(new Uri(member, "peer/v1/join/withdraw"), PeerJson.Content(withdrawal, ClusterJson.Default.JoinWithdrawal), cancellation);
            return await PeerJson.ReadAsync(response, ClusterJson.Default.JoinWithdrawal, cancellation);
        },
        cancellation);

    private Task<TAnswer> AskAsync<TAnswer>(
        Uri member, string path, JoinFacts facts, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TAnswer> answer, CancellationToken cancellation)
        where TAnswer : class => SpeakAsync(
        member,
        async client =>
        {
            await using var echo = JoinEcho.Listen(facts.Addresses.Peer, facts.Nonce);
            using var response = await client.PostAsync(new Uri(member, path), PeerJson.Content(facts with { Clock = time.GetUtcNow() }, ClusterJson.Default.JoinFacts), cancellation);
            return await PeerJson.ReadAsync(response, answer, cancellation);
        },
        cancellation);

    private async Task<TAnswer> SpeakAsync<TAnswer>(Uri member, Func<HttpClient, Task<TAnswer>> speak, CancellationToken cancellation)
    {
        try
        {
            using var client = new HttpClient(await LineAsync(member, cancellation)) { Timeout = Patience };
            return await speak(client);
        }
        catch (Exception failure) when (failure is HttpRequestException or LaminaUnreachableException || (failure is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new ProblemException(
                ProblemKind.Unavailable, "cluster.noAnswer", $"{member.Authority} is not the member that the token is of, or does not answer: {failure.Message}",
                "Make a new token on a member: lamina cluster token", failure);
        }
    }

    private async Task<SocketsHttpHandler> LineAsync(Uri member, CancellationToken cancellation)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(await CaPin.FetchAsync(member, token.Ca, cancellation)));
        return new SocketsHttpHandler { UseProxy = false, ConnectTimeout = ConnectPatience, SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy } };
    }
}

/// <summary>While a host asks to join, whoever connects to its peer address is told a random word: so the cluster knows that it reaches this very host.</summary>
internal sealed class JoinEcho : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Task _serving;

    private JoinEcho(TcpListener listener, string nonce)
    {
        _listener = listener;
        _serving = ServeAsync(nonce);
    }

    /// <exception cref="ProblemException">The address is not this host's, or its port is in use.</exception>
    public static JoinEcho Listen(string peer, string nonce)
    {
        var address = new Uri($"https://{peer}");
        var listener = new TcpListener(IPAddress.Parse(address.DnsSafeHost), address.Port);
        try
        {
            listener.Start();
            return new JoinEcho(listener, nonce);
        }
        catch (SocketException refused)
        {
            listener.Dispose();
            throw new ProblemException(
                ProblemKind.Unprocessable, "cluster.address", $"This host cannot listen at {peer}: {refused.Message}", "Name an address of this host: --address. Its addresses: ip address", refused);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeAsync(string nonce)
    {
        byte[] word = Encoding.ASCII.GetBytes(nonce);
        while (true)
        {
            try
            {
                using var line = await _listener.AcceptTcpClientAsync();
                await line.GetStream().WriteAsync(word);
            }
            catch (IOException)
            {
                // That line broke, of which the other side tells.
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }
}
