using Lamina.Linux.Processes;
using Lamina.Server;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Tests.Crash;

/// <summary>The daemon of a world was ended: by its crash point, or by us.</summary>
internal sealed class DaemonDiedException(string words) : Exception(words);

/// <summary>A laminad as a process of its own, in the world's network namespace.</summary>
internal sealed class CrashingDaemon : IDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(30);

    private readonly ChildProcess _process;
    private readonly SafeFileHandle _output;
    private readonly string _outputFile;
    private readonly CancellationTokenSource _ended = new();

    private CrashingDaemon(ChildProcess process, SafeFileHandle output, string outputFile)
    {
        _process = process;
        _output = output;
        _outputFile = outputFile;
        _ = process.WaitForExitAsync(CancellationToken.None).ContinueWith(_ => _ended.Cancel(), TaskScheduler.Default);
    }

    public int ProcessId => _process.ProcessId;

    public bool HasEnded => Ended.IsCancellationRequested;

    /// <summary>Fires when the process is gone.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Call it in the network namespace that the daemon shall live in.</summary>
    public static CrashingDaemon Spawn(string laminad, Instance instance, string outputFile, IReadOnlyDictionary<string, string> crash)
    {
        var environment = DaemonBuild.OwnEnvironment();
        foreach (var (name, value) in crash) environment[name] = value;
        var output = File.OpenHandle(outputFile, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite);
        var process = ChildProcess.Spawn(new ChildSpec
        {
            Program = laminad,
            Arguments =
            [
                "--instance", instance.Name, "--data", instance.DataDirectory, "--run", instance.RunDirectory,
                "--config", instance.ConfigurationDirectory, "--log", instance.LogDirectory,
            ],
            Environment = environment,
            StandardOutput = ChildOutput.To(output),
            StandardError = ChildOutput.To(output),
        });
        return new CrashingDaemon(process, output, outputFile);
    }

    /// <summary>Returns when the API answers.</summary>
    /// <exception cref="DaemonDiedException">It ended before.</exception>
    public async Task WaitUntilServingAsync()
    {
        using var patience = new CancellationTokenSource(StartPatience);
        while (!Words().Contains("laminad serves", StringComparison.Ordinal))
        {
            if (HasEnded) throw new DaemonDiedException(Words());
            if (patience.IsCancellationRequested) throw new TimeoutException($"laminad has not served within {StartPatience.TotalSeconds} s: {Words()}");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    public Task KillAsync() => EndAsync(Signal.Kill);

    public Task StopAsync() => EndAsync(Signal.Terminate);

    public void Dispose()
    {
        _process.Dispose();
        _output.Dispose();
    }

    private async Task EndAsync(int signal)
    {
        _process.Send(signal);
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(StopPatience);
    }

    private string Words()
    {
        using var stream = new FileStream(_outputFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
