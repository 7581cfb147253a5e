using System.Globalization;
using System.Text;
using Grpc.Core;
using Lamina.Linux.Processes;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Testing.Store;

/// <summary>A real etcd of one member, in a folder and on a loopback address of its own; ended by its process id.</summary>
internal sealed class EtcdServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();
    private readonly string _address;
    private readonly EtcdAccess? _tls;
    private readonly long? _quotaBytes;
    private ChildProcess? _process;

    private EtcdServer(bool tls, long? quotaBytes)
    {
        _quotaBytes = quotaBytes;
        // All of 127.0.0.0/8 is this machine: a random address clashes with nobody, which a port that was free a moment ago may.
        _address = string.Create(CultureInfo.InvariantCulture, $"127.{Random.Shared.Next(1, 255)}.{Random.Shared.Next(256)}.{Random.Shared.Next(1, 255)}");
        if (tls) _tls = EtcdCertificates.Make(_folder.Path, _address) with { Endpoints = [Endpoint(tls)] };
    }

    /// <summary>To the server's own store.</summary>
    public EtcdAccess Access => _tls ?? new EtcdAccess { Endpoints = [Endpoint(false)] };

    /// <summary>To a store beside others in this etcd.</summary>
    public EtcdAccess NewAccess => Access with { Prefix = $"{Guid.NewGuid():n}/" };

    public string Folder => _folder.Path;

    public static async Task<EtcdServer> StartAsync(bool tls = false, long? quotaBytes = null)
    {
        var server = new EtcdServer(tls, quotaBytes);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it on its data, and waits until it answers.</summary>
    public async Task StartAgainAsync()
    {
        _process?.Dispose();
        _process = ChildProcess.Spawn(new ChildSpec { Program = "etcd", Arguments = [.. Arguments()], StandardError = ChildOutput.Tail(4096) });
        using var connection = new EtcdConnection(Access.Endpoints[0], Access);
        using var deadline = new CancellationTokenSource(Patience);
        while (!await AnswersAsync(connection, deadline.Token)) await Task.Delay(20, deadline.Token);
    }

    /// <summary>Kills it as a crash would; its data stay.</summary>
    public async Task KillAsync()
    {
        _process!.Send(Signal.Kill);
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
    }

    /// <summary>Stops it from answering; its connections stay open.</summary>
    public void Pause() => _process!.Send(Signal.Stop);

    public void Continue() => _process!.Send(Signal.Continue);

    /// <summary>The data of the killed server are gone.</summary>
    public void Wipe() => Directory.Delete(_folder.File("data"), recursive: true);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
            _process.Dispose();
        }

        _folder.Dispose();
    }

    private string Endpoint(bool tls) => $"{(tls ? "https" : "http")}://{_address}:2379";

    private IEnumerable<string> Arguments()
    {
        string client = Access.Endpoints[0], peer = $"http://{_address}:2380";
        string[] plain =
        [
            "--name", "test", "--data-dir", _folder.File("data"), "--logger", "zap", "--log-level", "error",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"test={peer}",
            .. _quotaBytes is { } quota ? new[] { string.Create(CultureInfo.InvariantCulture, $"--quota-backend-bytes={quota}") } : [],
        ];
        return _tls is null ? plain :
        [
            .. plain, "--client-cert-auth", "--trusted-ca-file", _tls.CaFile!, "--cert-file", _tls.CertificateFile!, "--key-file", _tls.KeyFile!,
        ];
    }

    private async Task<bool> AnswersAsync(EtcdConnection connection, CancellationToken cancellation)
    {
        try
        {
            await connection.Kv.RangeAsync(new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("x") }, cancellationToken: cancellation);
            return true;
        }
        catch (RpcException) when (!_process!.WaitForExitAsync(CancellationToken.None).IsCompleted)
        {
            return false;
        }
        catch (RpcException failure)
        {
            throw new InvalidOperationException($"etcd does not start: {Encoding.UTF8.GetString(_process!.StandardError)}", failure);
        }
    }
}
