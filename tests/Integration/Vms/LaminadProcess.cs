using Lamina.Api.Client;
using Lamina.Linux.Processes;
using Lamina.Server;
using Lamina.Testing;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Vms;

/// <summary>laminad as it is shipped (native AOT), a process of its own, which can be killed as nothing in the test's process can.</summary>
internal sealed class LaminadProcess : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lp").FullName;
    private readonly string _name = "p" + Guid.NewGuid().ToString("N")[..8];
    private ChildProcess? _process;

    private LaminadProcess()
    {
        // dnsmasq reads below it as another user.
        File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        Client = new LaminaClient(new LaminaClientOptions { SocketPath = SocketPath });
    }

    public LaminaClient Client { get; }

    public string SocketPath => Path.Combine(_folder, "run", "lamina.sock");

    public InstanceOptions Options => new()
    {
        Name = _name,
        DataDirectory = Path.Combine(_folder, "data"),
        RunDirectory = Path.Combine(_folder, "run"),
        ConfigurationDirectory = Path.Combine(_folder, "etc"),
        LogDirectory = Path.Combine(_folder, "log"),
    };

    public static async Task<LaminadProcess> StartAsync(CancellationToken cancellationToken)
    {
        var daemon = new LaminadProcess();
        await daemon.LaunchAsync(cancellationToken);
        return daemon;
    }

    /// <summary>Starts it, after it was killed too, and waits for its first answer.</summary>
    public async Task LaunchAsync(CancellationToken cancellationToken)
    {
        _process = ChildProcess.Spawn(new ChildSpec { Program = Repository.Laminad, Arguments = Arguments() });
        while (true)
        {
            try
            {
                await Client.Server.GetAsync(cancellationToken);
                return;
            }
            catch (LaminaUnreachableException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            }
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process!.Send(Signal.Kill);
        await _process.WaitForExitAsync(cancellationToken);
        _process.Dispose();
        _process = null;
    }

    /// <summary>Runs laminad once more, with a verb, to its end.</summary>
    public async Task<ChildExit> RunAsync(CancellationToken cancellationToken, params IReadOnlyList<string> verb)
    {
        using var once = ChildProcess.Spawn(new ChildSpec { Program = Repository.Laminad, Arguments = [.. verb, .. Arguments()] });
        return await once.WaitForExitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_process is not null) await KillAsync(CancellationToken.None);
        using (var claim = InstanceClaim.Take(Options)) await HostLeftovers.RemoveAsync(claim.Instance);
        Directory.Delete(_folder, recursive: true);
    }

    private IReadOnlyList<string> Arguments() =>
    [
        "--instance", _name, "--data", Options.DataDirectory!, "--run", Options.RunDirectory!, "--config", Options.ConfigurationDirectory!, "--log", Options.LogDirectory!,
    ];
}
