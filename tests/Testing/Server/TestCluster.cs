using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Store;
using Lamina.Testing.Engine;
using Lamina.Testing.Store;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Lamina.Testing.Server;

/// <summary>
/// Two whole daemons in the test's process over ONE store, each with its own folders, engine and certificate, that reach each other by mutual TLS over the
/// loopback: every room as one of several hosts.
/// </summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly TestStore _store = TestStore.Create();
    private readonly PeerCertificates _certificates = new();
    private readonly List<IDisposable> _lines = [];
    private readonly Dictionary<string, int> _ports = [];
    private readonly Dictionary<string, Lazy<X509Certificate2>> _served = [];

    private TestCluster()
    {
    }

    /// <summary>The first host, whose default pool and network are the first made.</summary>
    public TestDaemon A { get; private set; } = null!;

    public TestDaemon B { get; private set; } = null!;

    public FakeEngine EngineA { get; } = new();

    public FakeEngine EngineB { get; } = new();

    public IStore Store => _store.Store;

    public static async Task<TestCluster> StartAsync(CancellationToken cancellationToken)
    {
        var cluster = new TestCluster();
        try
        {
            cluster.A = await cluster.StartHostAsync("hosta", cluster.EngineA);
            cluster.B = await cluster.StartHostAsync("hostb", cluster.EngineB);
            cluster.Connect(cluster.A, cluster.B);
            cluster.Connect(cluster.B, cluster.A);
            await cluster.A.Client.UntilAsync("hosts", ApiJson.Default.Host, hosts => hosts.Count(host => host.Status?.DefaultMachineType is not null) == 2, cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>They reach each other again.</summary>
    public void Mend()
    {
        Connect(A, B);
        Connect(B, A);
    }

    /// <summary>Nobody reaches others any more, as when the network between them is cut.</summary>
    public void Cut()
    {
        A.Daemon.Peers.Use(_ => null);
        B.Daemon.Peers.Use(_ => null);
    }

    /// <summary>Speaks to a host's peer listener with another certificate, or none.</summary>
    public HttpClient StrangerTo(TestDaemon host, PeerCertificates? other)
    {
        var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        if (other is not null) handler.SslOptions.ClientCertificates = [other.Issue(A.Daemon.HostId)];
        return new HttpClient(handler) { BaseAddress = AddressOf(host) };
    }

    /// <summary>Waits until a host knows what is so.</summary>
    public static async Task UntilAsync(TestDaemon host, Func<CacheSnapshot, bool> holds, params RecordKind[] kinds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var subscription = host.Daemon.Cache.Subscribe(kinds);
        if (holds(subscription.Start)) return;
        await foreach (var batch in subscription.ReadAllAsync(deadline.Token))
        {
            if (holds(batch.Snapshot)) return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (B is not null) await B.DisposeAsync();
        if (A is not null) await A.DisposeAsync();
        foreach (var line in _lines) line.Dispose();
        foreach (var served in _served.Values.Where(served => served.IsValueCreated)) served.Value.Dispose();
        _certificates.Dispose();
        await _store.DisposeAsync();
    }

    private Task<TestDaemon> StartHostAsync(string name, FakeEngine engine)
    {
        string? first = name == "hosta" ? null : A.Instance.SecretsDirectory;
        int port = FreePort();
        _ports[name] = port;
        // Who it is shows when it has started, and nobody asks before.
        _served[name] = new Lazy<X509Certificate2>(() => _certificates.Issue((name == "hosta" ? A : B).Daemon.HostId));
        return TestDaemon.StartAsync(change: options => options with
        {
            // As a join brings them along.
            Instance = first is null ? options.Instance : Bring(first, options.Instance),
            Engine = engine,
            HostName = name,
            Store = _store.Store,
            Time = BootTimeProvider.Shared,
            ListenForPeers = kestrel => Listen(kestrel, name, port),
        });
    }

    /// <summary>As the cluster's own listener does: a certificate of the CA, and the connection marked by whose it is.</summary>
    private void Listen(KestrelServerOptions kestrel, string name, int port) => kestrel.Listen(IPAddress.Loopback, port, listen =>
    {
        listen.UseHttps(new HttpsConnectionAdapterOptions
        {
            ServerCertificateSelector = (_, _) => _served[name].Value,
            ClientCertificateMode = ClientCertificateMode.AllowCertificate,
            ClientCertificateValidation = (_, _, _) => true,
        });
        listen.Use(next => async connection =>
        {
            if (connection.Features.Get<ITlsConnectionFeature>() is { } tls && _certificates.HostOf(await tls.GetClientCertificateAsync(CancellationToken.None)) is { } host)
                connection.Features.Set(new PeerCaller(host));
            await next(connection);
        });
    });

    private static InstanceOptions Bring(string secrets, InstanceOptions to)
    {
        string folder = Path.Combine(to.DataDirectory!, "secrets");
        Directory.CreateDirectory(folder);
        foreach (string key in (string[])["box.key", "fingerprint.key"]) File.Copy(Path.Combine(secrets, key), Path.Combine(folder, key));
        return to;
    }

    private void Connect(TestDaemon from, TestDaemon to)
    {
        var own = _certificates.Issue(from.Daemon.HostId);
        var line = new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = _certificates.ClientOptions(own, to.Daemon.HostId), UseCookies = false, AllowAutoRedirect = false });
        _lines.AddRange([line, own]);
        var address = new PeerAddress(line, AddressOf(to));
        from.Daemon.Peers.Use(host => host == to.Daemon.HostId ? address : null);
    }

    private Uri AddressOf(TestDaemon host) => new($"https://127.0.0.1:{_ports[ReferenceEquals(host, A) ? "hosta" : "hostb"]}/");

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
