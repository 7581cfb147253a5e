namespace Lamina.Server.Cluster;

/// <summary>
/// Each voter's care of its own copy when that has used up its quota, upon which etcd takes no writes from anybody, not even for a leader who could see to it: its history is dropped,
/// the room given back, and the alarm taken back when there is some.
/// </summary>
/// <param name="admin">Asks the members.</param>
/// <param name="own">Where this host's member answers; null: it has none.</param>
/// <param name="quotaBytes">Beyond it etcd takes no writes.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told what is wrong, and what was done.</param>
internal sealed partial class EtcdRoom(EtcdAdmin admin, Func<string?> own, long quotaBytes, TimeProvider time, ILogger<EtcdRoom> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (own() is { } endpoint) await LookAsync(endpoint, cancellationToken);
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    /// <returns>Whether writes were made possible again, as far as it is for this member.</returns>
    internal async Task<bool> LookAsync(string endpoint, CancellationToken cancellationToken)
    {
        try
        {
            var status = await admin.StatusAsync(cancellationToken, endpoint);
            if (!(await admin.FullMembersAsync(cancellationToken, endpoint)).Contains(status.Member)) return false;
            LogFull(logger, status.DatabaseBytes >> 20);
            await ForgetHistoryAsync(status.Revision, cancellationToken);
            await admin.DefragmentAsync(endpoint, cancellationToken);
            var after = await admin.StatusAsync(cancellationToken, endpoint);
            if (!HasRoom(after, quotaBytes))
            {
                LogStillFull(logger, after.DatabaseBytes >> 20, quotaBytes >> 20);
                return false;
            }

            await admin.DisarmAsync(after.Member, cancellationToken);
            LogFreed(logger, after.DatabaseBytes >> 20);
            return true;
        }
        catch (EtcdAdminException away)
        {
            LogAway(logger, away.Message);
            return false;
        }
    }

    /// <summary>A tenth must be free, or the next writes would fill it again (pure).</summary>
    internal static bool HasRoom(EtcdMemberStatus status, long quotaBytes) => status.DatabaseBytes < quotaBytes - quotaBytes / 10;

    /// <summary>Another voter may have done it already.</summary>
    private async Task ForgetHistoryAsync(long revision, CancellationToken cancellationToken)
    {
        try
        {
            await admin.CompactAsync(revision, cancellationToken);
        }
        catch (EtcdAdminException already) when (already.Message.Contains("compacted", StringComparison.Ordinal))
        {
            // As wanted.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "This host's copy of the store has used up its quota ({MiB} MiB): nothing can be written. Its history is dropped now")]
    private static partial void LogFull(ILogger logger, long miB);

    [LoggerMessage(Level = LogLevel.Warning, Message = "This host's copy of the store has room again ({MiB} MiB): writes are possible when this is so for all voters")]
    private static partial void LogFreed(ILogger logger, long miB);

    [LoggerMessage(Level = LogLevel.Error, Message = "The records alone fill the store ({MiB} of {QuotaMiB} MiB): nothing can be written. Report this, with a support bundle")]
    private static partial void LogStillFull(ILogger logger, long miB, long quotaMiB);

    [LoggerMessage(Level = LogLevel.Debug, Message = "This host's etcd could not be looked at now: {Reason}")]
    private static partial void LogAway(ILogger logger, string reason);
}
