using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>
/// The leader's care of etcd's files: compaction, which etcd does each hour by itself, frees room within them; when much of one is free it is given back to the disk, one voter after
/// the other, since none answers meanwhile.
/// </summary>
internal sealed partial class EtcdCare(EtcdAdmin admin, Func<IReadOnlyList<string>> voters, TimeProvider time, ILogger<EtcdCare> logger)
{
    private const long SmallBytes = 128 << 20;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <summary>During a term; until cancelled.</summary>
    public async Task RunAsync(Term term, CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (string voter in voters()) await LookAsync(voter, cancellationToken);
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    /// <summary>Whether it is worth that a voter answers nothing for a moment (pure).</summary>
    internal static bool IsWorthwhile(EtcdMemberStatus status) => status.DatabaseBytes > SmallBytes && status.UsedBytes < status.DatabaseBytes / 2;

    private async Task LookAsync(string voter, CancellationToken cancellationToken)
    {
        try
        {
            var status = await admin.StatusAsync(cancellationToken, voter);
            if (!IsWorthwhile(status)) return;
            LogBegun(logger, voter, status.DatabaseBytes >> 20, status.UsedBytes >> 20);
            await admin.DefragmentAsync(voter, cancellationToken);
        }
        catch (EtcdAdminException failure)
        {
            LogFailed(logger, voter, failure.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The store of {Voter} has {MiB} MiB, of which {UsedMiB} are used: the rest is given back")]
    private static partial void LogBegun(ILogger logger, string voter, long miB, long usedMiB);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store of {Voter} could not be looked after now: {Reason}")]
    private static partial void LogFailed(ILogger logger, string voter, string reason);
}
