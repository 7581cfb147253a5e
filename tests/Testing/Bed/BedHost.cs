using System.Collections;
using System.Globalization;
using Lamina.Api.Client;
using Lamina.Linux.Processes;
using Lamina.Server;
using Lamina.Server.Cluster;
using Lamina.Testing.Server;

namespace Lamina.Testing.Bed;

/// <summary>What a program answered.</summary>
internal sealed record ProgramAnswer(int Status, string Output, string Error);

/// <summary>One host of a <see cref="ClusterBed"/>.</summary>
internal sealed class BedHost : IAsyncDisposable
{
    /// <summary>Its card.</summary>
    public const string Link = "eth0";

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CommandPatience = TimeSpan.FromSeconds(150);

    private readonly IReadOnlyList<string> _hidden;
    private readonly string _nothing;
    private readonly string _folder;
    private Instance _instance;
    private ChildProcess? _daemon;
    private int _starts;

    public BedHost(int number, string instance, string folder, IReadOnlyList<string> hidden, string nothing)
    {
        Number = number;
        _folder = folder;
        _hidden = hidden;
        _nothing = nothing;
        _instance = InstanceClaim.Derive(new InstanceOptions
        {
            Name = instance,
            DataDirectory = Path.Combine(folder, "data"),
            RunDirectory = Path.Combine(folder, "run"),
            ConfigurationDirectory = Path.Combine(folder, "etc"),
            LogDirectory = Path.Combine(folder, "log"),
        });
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_001_001);
        Directory.CreateDirectory(_instance.ConfigurationDirectory);
        Client = NewClient();
    }

    public int Number { get; }

    public string Name => $"host{Number}";

    /// <summary>On the bed's network.</summary>
    public string Address => $"{ClusterBed.Prefix}{Number}";

    public NetworkNamespace Network { get; } = new();

    /// <summary>Its number is known when the daemon has run once.</summary>
    public Instance Instance => _instance;

    /// <summary>As root, over the local socket. What it has seen of a store ends with that: it is another one when the host has got another store by <see cref="LaminaAsync"/>.</summary>
    public LaminaClient Client { get; private set; }

    /// <summary>All that its daemons have said.</summary>
    public string Words => string.Join('\n', Enumerable.Range(1, _starts).Select(start => ReadShared(OutputFile(start))));

    /// <summary>The daemon is started again when it ends with a failure, as its unit says; set before a start.</summary>
    public bool IsSupervised { get; set; }

    /// <summary>Of the daemon that runs, or ran last.</summary>
    public int ProcessId => (IsSupervised ? SupervisedProcess?.ProcessId : _daemon?.ProcessId) ?? throw new InvalidOperationException($"{Name} does not run");

    /// <summary>Its daemon does.</summary>
    public bool Runs => _daemon is { } daemon && !daemon.WaitForExitAsync(CancellationToken.None).IsCompleted;

    /// <summary>Of its etcd; null: none runs.</summary>
    public int? EtcdProcessId => EtcdProcess?.ProcessId;

    /// <summary>The folder of laminad and lamina.</summary>
    public static string Programs { get; set; } = AppContext.BaseDirectory;

    private static string Laminad => Path.Combine(Programs, "laminad");

    private string[] InstanceArguments =>
    [
        "--instance", _instance.Name, "--data", _instance.DataDirectory, "--run", _instance.RunDirectory,
        "--config", _instance.ConfigurationDirectory, "--log", _instance.LogDirectory,
    ];

    private ProcessIdentity? SupervisedProcess => ProcessIdentity.FindByArgument(_instance.DataDirectory).FirstOrDefault(found => Path.GetFileName(found.Executable) == "laminad");

    private ProcessIdentity? EtcdProcess => ProcessIdentity.FindByArgument(EtcdArguments.DataArgument(_instance)).FirstOrDefault(found => Path.GetFileName(found.Executable) == "etcd");

    /// <summary>Starts the daemon and waits until it serves.</summary>
    public async Task StartAsync()
    {
        Spawn();
        await WaitUntilServingAsync();
    }

    /// <summary>The host has got another store meanwhile: what the client has seen was of the former one.</summary>
    public void ForgetStore()
    {
        Client.Dispose();
        Client = NewClient();
    }

    /// <summary>Starts the daemon.</summary>
    public void Spawn()
    {
        _daemon?.Dispose();
        _starts++;
        ForgetStore();
        using var output = File.OpenHandle(OutputFile(_starts), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite);
        string hide = string.Concat(_hidden.Select(folder => $"mount --bind {_nothing} {folder} && "));
        string laminad = $"{Laminad} {string.Join(' ', InstanceArguments)}";
        string serve = IsSupervised ? $"export {VersionFolder.SupervisedVariable}=1; until {laminad}; do sleep 0.2; done" : $"exec {laminad}";
        _daemon = Network.Run(() => ChildProcess.Spawn(new ChildSpec
        {
            Program = "unshare",
            Arguments = ["--mount", "--uts", "sh", "-c", $"hostname {Name} && {hide}{{ {serve}; }}"],
            Environment = OwnEnvironment(),
            StandardOutput = ChildOutput.To(output),
            StandardError = ChildOutput.To(output),
        }));
    }

    /// <summary>Waits until the daemon that was started last serves.</summary>
    public async Task WaitUntilServingAsync()
    {
        using var patience = new CancellationTokenSource(StartPatience);
        while (!ReadShared(OutputFile(_starts)).Contains("laminad serves", StringComparison.Ordinal))
        {
            if (_daemon!.WaitForExitAsync(CancellationToken.None).IsCompleted) throw new InvalidOperationException($"the daemon of {Name} has ended: {Words}");
            if (patience.IsCancellationRequested) throw new TimeoutException($"the daemon of {Name} has not served in time: {Words}");
            await Task.Delay(20, CancellationToken.None);
        }

        int number = int.Parse(await File.ReadAllTextAsync(Path.Combine(_instance.DataDirectory, "instance-number")), CultureInfo.InvariantCulture);
        _instance = _instance with { Number = number };
    }

    /// <summary>Ends the daemon as a crash would; its etcd and guests run on.</summary>
    public Task KillAsync() => EndDaemonAsync(Signal.Kill);

    /// <summary>Ends the daemon politely; its etcd and guests run on.</summary>
    public Task StopAsync() => EndDaemonAsync(Signal.Terminate);

    /// <summary>Kills the etcd of this host.</summary>
    public async Task KillEtcdAsync()
    {
        using var process = ChildProcess.Adopt(EtcdProcess ?? throw new InvalidOperationException($"{Name} runs no etcd"));
        process!.Send(Signal.Kill);
        await process.WaitForExitAsync(CancellationToken.None).WaitAsync(StopPatience);
    }

    /// <summary>Halts the daemon and its etcd, as a machine that hangs; <see cref="Resume"/> lets them go on.</summary>
    public void Pause() => Signalling(Signal.Stop);

    public void Resume() => Signalling(Signal.Continue);

    /// <summary>Runs the real command line against this host's daemon and gives what it wrote; it must succeed.</summary>
    public async Task<string> LaminaAsync(params string[] arguments)
    {
        var answer = await TryLaminaAsync(arguments);
        if (arguments is ["cluster", "init" or "join" or "witness", ..]) ForgetStore();

        return answer.Status == 0 ? answer.Output : throw new InvalidOperationException($"lamina {string.Join(' ', arguments)} on {Name} ended with {answer.Status}: {answer.Error}\n{Words}");
    }

    /// <summary>Runs a verb of the daemon's program, in this host's network, while the daemon does not run.</summary>
    public Task<string> LaminadAsync(params string[] words) => Network.RunAsync(async () =>
    {
        var result = await Command.RunAsync(
            new CommandSpec { Program = Laminad, Arguments = [.. words, .. InstanceArguments], Environment = OwnEnvironment(), Timeout = CommandPatience }, CancellationToken.None);
        return result.EnsureSuccess().OutputText;
    });

    public async Task<ProgramAnswer> TryLaminaAsync(params string[] arguments)
    {
        var environment = OwnEnvironment();
        environment["LAMINA_SOCKET"] = _instance.LocalSocket;
        environment["NO_COLOR"] = "1";
        var result = await Command.RunAsync(
            new CommandSpec { Program = Path.Combine(Programs, "lamina"), Arguments = arguments, Environment = environment, Timeout = CommandPatience }, CancellationToken.None);
        return new ProgramAnswer(result.Exit.ExitCode ?? -1, result.OutputText, result.ErrorText);
    }

    /// <summary>Bytes that a card of this host has carried, both ways (proc_net_dev(5)).</summary>
    public long BytesOf(string link)
    {
        string line = Network.Run(() => File.ReadAllLines("/proc/thread-self/net/dev")).Single(line => line.TrimStart().StartsWith($"{link}:", StringComparison.Ordinal));
        string[] figures = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(figures[0], CultureInfo.InvariantCulture) + long.Parse(figures[8], CultureInfo.InvariantCulture);
    }

    /// <summary>Ends daemon and etcd for good; guests are ended by <see cref="DisposeAsync"/>.</summary>
    public async Task EndAsync()
    {
        if (_daemon is { } daemon && !daemon.WaitForExitAsync(CancellationToken.None).IsCompleted)
        {
            daemon.Send(Signal.Continue);
            await KillAsync();
        }

        if (EtcdProcess is { } found && ChildProcess.Adopt(found) is { } etcd)
        {
            etcd.Send(Signal.Kill);
            await etcd.WaitForExitAsync(CancellationToken.None).WaitAsync(StopPatience);
            etcd.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        Client.Dispose();
        await Network.RunAsync(() => HostLeftovers.RemoveAsync(_instance));
        _daemon?.Dispose();
        Network.Dispose();
    }

    private LaminaClient NewClient() => new(new LaminaClientOptions { SocketPath = _instance.LocalSocket });

    private async Task EndDaemonAsync(int signal)
    {
        if (IsSupervised)
        {
            // Who would start it again goes first.
            _daemon!.Send(Signal.Kill);
            await _daemon.WaitForExitAsync(CancellationToken.None).WaitAsync(StopPatience);
            using var supervised = SupervisedProcess is { } found ? ChildProcess.Adopt(found) : null;
            if (supervised is null) return;
            supervised.Send(signal);
            await supervised.WaitForExitAsync(CancellationToken.None).WaitAsync(StopPatience);
            return;
        }

        _daemon!.Send(signal);
        await _daemon.WaitForExitAsync(CancellationToken.None).WaitAsync(StopPatience);
    }

    private void Signalling(int signal)
    {
        _daemon!.Send(signal);
        if (EtcdProcess is not { } found) return;
        using var etcd = ChildProcess.Adopt(found);
        etcd?.Send(signal);
    }

    private string OutputFile(int start) => Path.Combine(_folder, $"laminad-{start}.log");

    private static string ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>.NET needs to find its runtime and its home.</summary>
    private static Dictionary<string, string> OwnEnvironment() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(pair => (string)pair.Key, pair => (string)pair.Value!, StringComparer.Ordinal);
}
