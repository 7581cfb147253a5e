namespace Lamina.Server;

/// <summary>
/// The daemon's background work. A loop that ends by an exception is logged and ends the daemon: its next start, by the service manager, begins
/// anew from the records, which is safer than running on without it.
/// </summary>
internal sealed partial class Loops(TimeProvider time, ILogger<Loops> logger) : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly List<(string Name, Func<CancellationToken, Task> Run)> _loops = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;

    /// <summary>Faults when a loop has failed; completes when all were stopped.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Before <see cref="Start"/>.</summary>
    public void Add(string name, Func<CancellationToken, Task> run) => _loops.Add((name, run));

    public void Start() => _running = Task.WhenAll(_loops.Select(loop => Task.Run(() => RunAsync(loop.Name, loop.Run), CancellationToken.None)));

    /// <summary>Asks all to end and waits a while; what hangs is left to the end of the process.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        try
        {
            await _running.WaitAsync(StopPatience, time);
        }
        catch (TimeoutException)
        {
            LogHanging(logger, StopPatience.TotalSeconds);
        }

        _ended.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task RunAsync(string name, Func<CancellationToken, Task> run)
    {
        try
        {
            await run(_stopping.Token);
            if (!_stopping.IsCancellationRequested) throw new InvalidOperationException($"The loop '{name}' ended by itself.");
        }
        catch (Exception) when (_stopping.IsCancellationRequested)
        {
            // Stopped as asked.
        }
        catch (Exception failure)
        {
            LogFailed(logger, name, failure);
            _ended.TrySetException(new ProblemException(ProblemKind.Internal, "daemon.loopFailed", $"The daemon's part '{name}' failed: {failure.Message}", "The service manager starts it anew; the log says more.", failure));
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "The loop {Name} failed; the daemon ends to be started anew")]
    private static partial void LogFailed(ILogger logger, string name, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Background work has not ended within {Seconds} s and is left behind")]
    private static partial void LogHanging(ILogger logger, double seconds);
}
