using Lamina.Api;
using Lamina.Server.Http;

namespace Lamina.Server.Support;

/// <summary>
/// The daemon's last log lines, in memory and bounded, for <c>GET /v1/logs</c> and the support bundle: each with the request on whose account it was
/// said. The whole log is the service manager's.
/// </summary>
[ProviderAlias("Ring")]
internal sealed class LogRing(TimeProvider time) : ILoggerProvider
{
    private const int MostLines = 8000;
    private const int LongestText = 4000;

    private readonly Lock _gate = new();
    private readonly Queue<LogEntry> _lines = new();

    public ILogger CreateLogger(string categoryName) => new RingLogger(this, categoryName);

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<LogEntry> Read()
    {
        lock (_gate) return [.. _lines];
    }

    public void Dispose()
    {
    }

    private void Add(LogEntry line)
    {
        lock (_gate)
        {
            if (_lines.Count == MostLines) _lines.Dequeue();
            _lines.Enqueue(line);
        }
    }

    private sealed class RingLogger(LogRing ring, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Debug;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => ring.Add(new LogEntry
        {
            Time = ring.Time(),
            Level = LevelOf(logLevel),
            Category = category,
            Message = Cut(formatter(state, exception)),
            Exception = exception is null ? null : Cut(exception.ToString()),
            RequestId = RequestIds.Current,
        });

        private static string LevelOf(LogLevel level) => level switch
        {
            LogLevel.Debug or LogLevel.Trace => "debug",
            LogLevel.Warning => "warning",
            LogLevel.Error or LogLevel.Critical => "error",
            _ => "information",
        };

        private static string Cut(string text) => text.Length <= LongestText ? text : text[..LongestText] + "…";
    }

    private DateTimeOffset Time() => time.GetUtcNow();
}
