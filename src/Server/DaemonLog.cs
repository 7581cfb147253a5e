using Lamina.Server.Support;
using Microsoft.Extensions.Logging.Console;

namespace Lamina.Server;

/// <summary>Where the log goes: standard error, which the service manager keeps.</summary>
internal static class DaemonLog
{
    /// <param name="level">From the configuration.</param>
    /// <param name="ring">Keeps the last lines, those of each request among them, for whoever asks the API.</param>
    /// <param name="target">Replaces standard error; tests give theirs.</param>
    public static ILoggerFactory Create(LogLevelName? level, LogRing ring, Action<ILoggingBuilder>? target) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(LevelOf(level));
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter<LogRing>("Lamina", LogLevel.Debug);
        logging.AddProvider(ring);
        (target ?? AddConsole)(logging);
    });

    private static LogLevel LevelOf(LogLevelName? name) => name switch
    {
        LogLevelName.Debug => LogLevel.Debug,
        LogLevelName.Warning => LogLevel.Warning,
        LogLevelName.Error => LogLevel.Error,
        _ => LogLevel.Information,
    };

    /// <summary>Under systemd with its priorities and without time, which the journal adds.</summary>
    private static void AddConsole(ILoggingBuilder logging)
    {
        logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (Environment.GetEnvironmentVariable("JOURNAL_STREAM") is not null)
        {
            logging.AddSystemdConsole(systemd => systemd.IncludeScopes = true);
            return;
        }

        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.IncludeScopes = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
    }
}
