using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Lamina.Api;
using Lamina.Server.Auth;

namespace Lamina.Tests.Cluster;

/// <summary>Who is no member gets nowhere; members with new certificates go on.</summary>
public sealed class TrustTests
{
    [Fact]
    public async Task AWitnessMakesTwoHostsEnoughAndNobodyElseGetsIn()
    {
        await using var bed = await ClusterBed.StartAsync(3);
        var (first, second, witness) = (bed.Hosts[0], bed.Hosts[1], bed.Hosts[2]);
        await first.LaminaAsync("cluster", "init", "--name", "dc1");
        await bed.JoinAsync(second);
        await witness.LaminaAsync("cluster", "witness", (await first.LaminaAsync("cluster", "token")).Trim());
        await bed.WaitForVotersAsync(3);
        Assert.True((await first.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).Members.Single(member => member.Name == "host3").Witness);

        // A stranger: no certificate, and one of another CA that names a member.
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(first, null, "v1/vms"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(first, null, "v1"));
        using var forged = Forge((await first.Client.Cluster.GetAsync(TestContext.Current.CancellationToken)).Host);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => AskAsync(first, forged, "v1"));
        await Assert.ThrowsAnyAsync<Exception>(async () => await SpeakAsync(first, first.Instance.EtcdClientPort));
        await Assert.ThrowsAnyAsync<Exception>(async () => await SpeakAsync(first, first.Instance.EtcdPeerPort));

        foreach (var host in bed.Hosts) await host.LaminaAsync("cluster", "certificate", "rotate");
        await first.KillEtcdAsync();
        await second.Client.Projects.CreateAsync(new Project { Name = "after" }, TestContext.Current.CancellationToken);
    }

    private static async Task<HttpStatusCode> AskAsync(BedHost host, X509Certificate2? certificate, string path)
    {
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new NetworkStream(Connect(host, host.Instance.PeerPort), ownsSocket: true)),
        };
#pragma warning disable CA5359 // What the server shows is not what is tried here.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        if (certificate is not null) handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        using var client = new HttpClient(handler);
        using var answer = await client.GetAsync(new Uri($"https://{host.Address}:{host.Instance.PeerPort}/{path}"), TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    /// <summary>Ends well only where somebody answers who showed no certificate.</summary>
    private static async Task SpeakAsync(BedHost host, int port)
    {
#pragma warning disable CA5359
        await using var tls = new SslStream(new NetworkStream(Connect(host, port), ownsSocket: true), false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync(host.Address);
        await tls.WriteAsync("GET /version HTTP/1.1\r\nHost: etcd\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        if (await tls.ReadAsync(new byte[1], TestContext.Current.CancellationToken) == 0) throw new AuthenticationException("the line was closed");
    }

    /// <summary>A socket is of the network in which it was made, whoever uses it.</summary>
    private static Socket Connect(BedHost host, int port) => host.Network.Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Parse(host.Address), port);
        return socket;
    });

    private static X509Certificate2 Forge(string hostId)
    {
        using var ca = Certificates.CreateCa("Lamina CA of elsewhere", TimeProvider.System.GetUtcNow());
        using var made = Certificates.CreateHost(ca, hostId, ["10.91.0.9"], TimeProvider.System.GetUtcNow());
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
