using Lamina.Server.Control;
using Lamina.Server.Hosts;

namespace Lamina.Server.Vms.Run;

/// <summary>Of which hosts it is known what runs on them since the store was recovered (pure).</summary>
internal static class RecoveryHosts
{
    public static bool HasReported(CacheSnapshot snapshot, CachedRecord<RecoveryRecord> recovery, string hostId) =>
        snapshot.Get(Keys.Hosts.Report, hostId)?.Record.Generation == recovery.Record.Generation;

    /// <summary>Ids of the hosts that have not told what runs on them, and of which nobody has said that nothing does.</summary>
    public static IEnumerable<string> Unknown(CacheSnapshot snapshot, CachedRecord<RecoveryRecord> recovery) => snapshot.All(Keys.Hosts.Spec)
        .Where(host => !host.Record.Witness && !HasReported(snapshot, recovery, host.Id) && HostDeaths.Of(snapshot, host.Id) is null)
        .Select(host => host.Id);
}
