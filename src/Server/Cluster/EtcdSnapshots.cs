using System.Globalization;
using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>Keeps snapshots of the cluster's store beside the other backups of a host that votes: one a day, the newest few.</summary>
internal sealed class EtcdSnapshots(Instance instance, HostVoter voter, TimeProvider time)
{
    public const int Kept = 7;

    private const string Prefix = "etcd-";
    private const string Suffix = ".snapshot";
    private const string Form = "yyyyMMdd-HHmmss";

    private static readonly TimeSpan Interval = TimeSpan.FromDays(1);

    /// <summary>For the hourly sweep.</summary>
    public async Task<SweepReport> SweepAsync(CancellationToken cancellation)
    {
        if (voter.Membership.EtcdMember is null || !voter.Etcd.IsRunning) return SweepReport.Nothing;
        Directory.CreateDirectory(instance.BackupDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string[] there = [.. Directory.EnumerateFiles(instance.BackupDirectory, $"{Prefix}*{Suffix}").Select(file => Path.GetFileName(file)!)];
        if (IsDue(there, time.GetUtcNow()))
        {
            string made = NameAt(time.GetUtcNow());
            await new EtcdCopies(instance).SaveAsync(Path.Combine(instance.BackupDirectory, made), cancellation);
            there = [.. there, made];
        }

        foreach (string old in Old(there, time.GetUtcNow())) File.Delete(Path.Combine(instance.BackupDirectory, old));
        return SweepReport.Nothing;
    }

    /// <summary>Whether the newest is a day old (pure). Names hold the time in UTC; one from the future (the clock was wrong once) does not count.</summary>
    internal static bool IsDue(IReadOnlyList<string> there, DateTimeOffset now) =>
        !there.Any(name => !IsFuture(name, now) && string.CompareOrdinal(name, NameAt(now - Interval)) > 0);

    /// <summary>Those to delete (pure): the ones from the future first, then the oldest.</summary>
    internal static IReadOnlyList<string> Old(IReadOnlyList<string> there, DateTimeOffset now) =>
        [.. there.OrderBy(name => IsFuture(name, now)).ThenByDescending(name => name, StringComparer.Ordinal).Skip(Kept)];

    internal static string NameAt(DateTimeOffset time) => $"{Prefix}{time.ToString(Form, CultureInfo.InvariantCulture)}{Suffix}";

    private static bool IsFuture(string name, DateTimeOffset now) => string.CompareOrdinal(name, NameAt(now)) > 0;
}
