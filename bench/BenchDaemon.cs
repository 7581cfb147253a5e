using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Lamina.Api.Client;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;

namespace Lamina.Bench;

/// <summary>The published laminad, as the instance <c>bench</c>, with folders of its own.</summary>
internal sealed partial class BenchDaemon : IAsyncDisposable
{
    public const string InstanceName = "bench";
    private const string Subnet = "10.213.0.0/24";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _programs;
    private readonly string _folder;
    private ChildProcess? _process;

    public BenchDaemon(string programs, string folder)
    {
        (_programs, _folder) = (programs, folder);
        Client = new LaminaClient(new LaminaClientOptions { SocketPath = Socket });
    }

    /// <summary>Over the local socket, by a connection that is kept.</summary>
    public LaminaClient Client { get; }

    public string Socket => Path.Join(_folder, "run", "lamina.sock");

    private string Log => Path.Join(_folder, "laminad.out");

    private string Cli => Path.Join(_programs, "lamina");

    private string Laminad => Path.Join(_programs, "laminad");

    private string[] Options =>
        ["--instance", InstanceName, "--data", Path.Join(_folder, "data"), "--run", Path.Join(_folder, "run"), "--config", Path.Join(_folder, "etc"), "--log", Path.Join(_folder, "log")];

    /// <summary>Starts it.</summary>
    /// <returns>Milliseconds from exec to the first answer of the API.</returns>
    public async Task<double> StartAsync()
    {
        Directory.CreateDirectory(Path.Join(_folder, "etc"));
        await File.WriteAllTextAsync(Path.Join(_folder, "etc", "lamina.yaml"), $"network:\n  subnet: {Subnet}\n");
        await using var log = new FileStream(Log, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        long begun = TimeProvider.System.GetTimestamp();
        _process = ChildProcess.Spawn(new ChildSpec
        {
            Program = Laminad, Arguments = Options, StandardOutput = ChildOutput.To(log.SafeFileHandle), StandardError = ChildOutput.To(log.SafeFileHandle),
        });
        var ended = _process.WaitForExitAsync(CancellationToken.None);
        while (!await AnswersAsync())
        {
            if (TimeProvider.System.GetElapsedTime(begun) > Patience || ended.IsCompleted) throw new InvalidOperationException($"laminad has not answered: {await File.ReadAllTextAsync(Log)}");
            await Task.Delay(TimeSpan.FromMilliseconds(1));
        }

        return Run.Since(begun);
    }

    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        process.Send(Signal.Terminate);
        await process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        process.Dispose();
        _process = null;
    }

    /// <summary>KiB, once it has been idle for some seconds.</summary>
    public async Task<long> IdleResidentAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(5));
        string line = (await File.ReadAllLinesAsync($"/proc/{_process!.ProcessId}/status")).First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..^"kB".Length].Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>Of the daemon alone, since its start.</summary>
    public async Task<double> CpuSecondsAsync()
    {
        string[] fields = (await File.ReadAllTextAsync($"/proc/{_process!.ProcessId}/stat")).Split(") ")[^1].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100;
    }

    /// <summary>The number of the instance, of which its table of packet rules is named.</summary>
    public async Task<int> NumberAsync()
    {
        var port = new Uri(await AddressAsync()).Port;
        return (port - 7443) / 200;
    }

    /// <summary>Where its API and its web console answer.</summary>
    public async Task<string> AddressAsync() => Address().Match(await File.ReadAllTextAsync(Log)).Groups[1].Value;

    /// <summary>The command line against this daemon.</summary>
    public Task<string> CliAsync(params IReadOnlyList<string> arguments) => Run.OutputAsync("env", [$"LAMINA_SOCKET={Socket}", Cli, .. arguments]);

    /// <summary>From before the spawn to its end, in milliseconds.</summary>
    public Task<double> TimeCliAsync(params IReadOnlyList<string> arguments) => Run.TimeProgramAsync(Cli, arguments, ("LAMINA_SOCKET", Socket));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await StopAsync();
        await KillGuestsAsync();
        await Run.TryAsync(Laminad, ["remove-networks", .. Options]);
    }

    // A run that failed leaves its guest, and networks are not removed under one.
    private static async Task KillGuestsAsync()
    {
        var cgroups = CgroupManager.Detect($"lamina-{InstanceName}");
        foreach (var group in cgroups.List())
        {
            await cgroups.KillAllAsync(group.Name, Patience, CancellationToken.None);
            await cgroups.RemoveAsync(group.Name, CancellationToken.None);
        }
    }

    private async Task<bool> AnswersAsync()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            await socket.SendAsync("GET /v1 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"u8.ToArray());
            byte[] answer = new byte[64];
            int length = await socket.ReceiveAsync(answer);
            return Encoding.ASCII.GetString(answer, 0, length).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"serves (https://\S*:\d+)")]
    private static partial Regex Address();
}
