namespace Lamina.Server.Upgrades;

/// <summary>A version on trial that nobody has proved in time ends, and the one before runs again: also where it hangs, or has lost its way to the store.</summary>
internal sealed partial class TrialWatch(VersionFolder versions, DaemonRestart restart, TimeProvider time, ILogger<TrialWatch> logger)
{
    /// <summary>Longer than what proves it waits itself.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (versions.OwnTrial() is { } trial)
        {
            await Task.Delay(Patience, time, cancellationToken);
            if (versions.OwnTrial() is not null)
            {
                LogGivenUp(logger, trial.Version);
                versions.Explain($"it had not proved itself after {Patience.TotalMinutes:0} minutes");
                restart.AskNewProcess();
            }
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Version} has not proved itself in time, and is given up: the one before runs again")]
    private static partial void LogGivenUp(ILogger logger, string version);
}
