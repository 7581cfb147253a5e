using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>The services of one member of etcd. Nothing is sent before the first call.</summary>
internal sealed class EtcdConnection : IDisposable
{
    /// <summary>A member that has lost its leader then refuses at once instead of letting the caller wait (etcd: rpctypes/metadatafields.go).</summary>
    public static readonly Metadata RequireLeader = new() { { "hasleader", "true" } };

    /// <summary>etcd closes connections that ping more often than every 5 s (<c>--grpc-keepalive-min-time</c>).</summary>
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(3);

    /// <summary>For TCP: a host that is away does not answer at all.</summary>
    private static readonly TimeSpan ReachTimeout = TimeSpan.FromMilliseconds(700);

    /// <summary>With TLS, which costs time on a busy host. Who calls waits no longer than its own deadline: the connection is made meanwhile, and serves the next call.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel _channel;
    private readonly EtcdAccess _access;

    /// <exception cref="StoreRefusedException">A certificate or key cannot be read.</exception>
    public EtcdConnection(string endpoint, EtcdAccess access)
    {
        Endpoint = endpoint;
        _access = access;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectTimeout = ConnectTimeout,
            ConnectCallback = ConnectAsync,
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = PingDelay,
            KeepAlivePingTimeout = PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        if (access.CaFile is not null) handler.SslOptions = TlsOf(access);
        _channel = GrpcChannel.ForAddress(endpoint, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,

            // A page of 1,000 records may exceed the client's default of 4 MiB.
            MaxReceiveMessageSize = null,
        });
        Kv = new KV.KVClient(_channel);
        Watch = new Watch.WatchClient(_channel);
        Lease = new Lease.LeaseClient(_channel);
        Cluster = new Protocol.Cluster.ClusterClient(_channel);
        Maintenance = new Protocol.Maintenance.MaintenanceClient(_channel);
    }

    public string Endpoint { get; }

    public KV.KVClient Kv { get; }

    public Watch.WatchClient Watch { get; }

    public Lease.LeaseClient Lease { get; }

    public Protocol.Cluster.ClusterClient Cluster { get; }

    public Protocol.Maintenance.MaintenanceClient Maintenance { get; }

    /// <summary>In words: that it does not answer, or what it refused, and what this host knows about why.</summary>
    public string Describe(RpcException failure) => EtcdFailures.Describe(failure, Endpoint) + (_access.Trouble?.Invoke() is { } trouble ? $" {trouble}" : "");

    public void Dispose() => _channel.Dispose();

    /// <summary>Without one of our own, gRPC's would wait up to two minutes before it tries a member again that was away.</summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(ReachTimeout);
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, patience.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new SocketException((int)SocketError.TimedOut);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static SslClientAuthenticationOptions TlsOf(EtcdAccess access)
    {
        try
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(access.CaFile!);
            var options = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
            if (access.CertificateFile is not null)
                options.ClientCertificates = [X509Certificate2.CreateFromPemFile(access.CertificateFile, access.KeyFile)];
            return options;
        }
        catch (Exception problem) when (problem is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException(
                StoreRefusal.Missing,
                $"The certificates for etcd ({access.CaFile}, {access.CertificateFile}) cannot be used: {problem.Message}",
                "Put them back, or renew this host's certificate.",
                problem);
        }
    }
}
