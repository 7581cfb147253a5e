namespace Lamina.Server.Control;

/// <summary>What one sweep did: removed for certain, or found without an owner and only listed (decision 18).</summary>
internal sealed record SweepReport
{
    public static SweepReport Nothing { get; } = new();

    /// <summary>In words: <c>tap lmabc… of no VM</c>.</summary>
    public IReadOnlyList<string> Removed { get; init; } = [];

    /// <summary>Never removed: a non-empty cgroup or a committed file without a record.</summary>
    public IReadOnlyList<string> Orphans { get; init; } = [];
}

/// <summary>
/// Removes what a crash left behind. Rooms register what they know how to sweep; all of it runs at start and then hourly.
/// A sweep that fails is logged and does not keep the others from running.
/// </summary>
internal sealed partial class Sweeper(TimeProvider time, ILogger<Sweeper> logger) : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly List<(string Name, Func<CancellationToken, Task<SweepReport>> Sweep)> _sweeps = [];
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>The last report of each room, for <c>lamina doctor</c>; empty before the first sweep.</summary>
    public IReadOnlyDictionary<string, SweepReport> LastReports { get; private set; } = new Dictionary<string, SweepReport>();

    /// <summary>Before the first run.</summary>
    public void Register(string name, Func<CancellationToken, Task<SweepReport>> sweep) => _sweeps.Add((name, sweep));

    /// <summary>Sweeps once, in the order of registration.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            var reports = new Dictionary<string, SweepReport>(StringComparer.Ordinal);
            foreach (var (name, sweep) in _sweeps) reports[name] = await SweepOneAsync(name, sweep, cancellationToken);
            LastReports = reports;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Sweeps now and then each hour, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            await SweepAsync(cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    public void Dispose() => _one.Dispose();

    private async Task<SweepReport> SweepOneAsync(
        string name, Func<CancellationToken, Task<SweepReport>> sweep, CancellationToken cancellationToken)
    {
        try
        {
            var report = await sweep(cancellationToken);
            foreach (string removed in report.Removed) LogRemoved(logger, name, removed);
            foreach (string orphan in report.Orphans) LogOrphan(logger, name, orphan);
            return report;
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(logger, name, failure);
            return SweepReport.Nothing;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Sweep of {Room}: removed {What}")]
    private static partial void LogRemoved(ILogger logger, string room, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sweep of {Room}: {What} has no owner and is left as it is")]
    private static partial void LogOrphan(ILogger logger, string room, string what);

    [LoggerMessage(Level = LogLevel.Error, Message = "Sweep of {Room} failed and is tried again in an hour")]
    private static partial void LogFailed(ILogger logger, string room, Exception failure);
}
