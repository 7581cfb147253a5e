using System.Net.Sockets;
using Lamina.Api.Client;
using Lamina.Linux;
using Lamina.Server;
using Microsoft.Extensions.Logging;

namespace Lamina.Testing.Server;

/// <summary>
/// A whole laminad inside the test's process, as an instance of its own: own folders, number, port, subnet, uids. Give it back by
/// <c>await using</c>; its folders and what it made on the host go with it.
/// </summary>
/// <remarks>The folder name is short: sockets below it must stay under 100 bytes.</remarks>
internal sealed class TestDaemon : IAsyncDisposable
{
    private readonly string _folder;
    private readonly DaemonOptions _options;
    private Daemon _daemon;

    private TestDaemon(string folder, DaemonOptions options, Daemon daemon, string password)
    {
        _folder = folder;
        _options = options;
        _daemon = daemon;
        AdminPassword = password;
        Local = LocalHttp();
        Client = new LaminaClient(new LaminaClientOptions { SocketPath = daemon.Instance.LocalSocket });
    }

    public Daemon Daemon => _daemon;

    public Instance Instance => _daemon.Instance;

    /// <summary>https, on the loopback.</summary>
    public Uri Address => _daemon.Address;

    public string AdminPassword { get; }

    /// <summary>Plain HTTP over the local socket, as root; the base address is set.</summary>
    public HttpClient Local { get; }

    /// <summary>The typed client over the local socket, as root.</summary>
    public LaminaClient Client { get; }

    /// <param name="yaml">Content of its lamina.yaml.</param>
    /// <param name="change">Changes how the daemon is made.</param>
    public static async Task<TestDaemon> StartAsync(string? yaml = null, Func<DaemonOptions, DaemonOptions>? change = null)
    {
        string folder = Directory.CreateTempSubdirectory("lt").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_001_001); // dnsmasq's user must find its files below
        Directory.CreateDirectory(Path.Combine(folder, "etc"));
        if (yaml is not null) await File.WriteAllTextAsync(Path.Combine(folder, "etc", "lamina.yaml"), yaml);
        var options = new DaemonOptions
        {
            Instance = new InstanceOptions
            {
                Name = "t" + Guid.NewGuid().ToString("N")[..8],
                DataDirectory = Path.Combine(folder, "data"),
                RunDirectory = Path.Combine(folder, "run"),
                ConfigurationDirectory = Path.Combine(folder, "etc"),
                LogDirectory = Path.Combine(folder, "log"),
            },
            Time = BootTimeProvider.Shared,
            Log = logging => logging.AddProvider(new TestOutputLogger()),
        };
        options = change?.Invoke(options) ?? options;
        try
        {
            var daemon = await OpenAsync(options);
            return new TestDaemon(folder, options, daemon, daemon.FirstPassword!);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>Stops the daemon and starts another one on the same data: what a restart or an upgrade does.</summary>
    /// <param name="between">Done while no daemon runs; null: nothing.</param>
    public async Task RestartAsync(Func<Task>? between = null)
    {
        await _daemon.DisposeAsync();
        if (between is not null) await between();
        _daemon = await OpenAsync(_options);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Local.Dispose();
        await _daemon.DisposeAsync();
        await HostLeftovers.RemoveAsync(_daemon.Instance);
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<Daemon> OpenAsync(DaemonOptions options)
    {
        var daemon = await Daemon.OpenAsync(options);
        try
        {
            await daemon.StartAsync();
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    private HttpClient LocalHttp()
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Instance.LocalSocket), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { BaseAddress = new Uri("http://local"), Timeout = TimeSpan.FromMinutes(2) };
    }
}
