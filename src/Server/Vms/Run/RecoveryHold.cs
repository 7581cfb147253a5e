using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// What is left alone in a store that was recovered (pure): a VM of the lost store neither starts nor dies until the leader has ruled on it (decision 19), which makes its
/// assignment younger than the recovery; nor does a process that its host has not reported yet, or of whose report nothing has come yet.
/// </summary>
internal static class RecoveryHold
{
    /// <summary>The VM's owner is that of the lost store: it may be another one in truth.</summary>
    public static bool IsUnruled(CacheSnapshot snapshot, string vmId)
    {
        if (snapshot.Get(Keys.Recovery, "") is not { } recovery) return false;
        if (snapshot.Get(Keys.Vms.Assignment, vmId) is { } assignment) return assignment.ModRevision < recovery.ModRevision;
        // It has no owner: it is placed as a new one when it is known of every host that it does not run there.
        return snapshot.Get(Keys.Vms.Spec, vmId) is { } spec && spec.CreateRevision < recovery.ModRevision && RecoveryHosts.Unknown(snapshot, recovery).Any();
    }

    /// <summary>Whether a host leaves a VM as it is.</summary>
    /// <param name="snapshot">The state.</param>
    /// <param name="hostId">The host.</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="hasProcess">The host has one of it.</param>
    public static bool Holds(CacheSnapshot snapshot, string hostId, string vmId, bool hasProcess)
    {
        if (snapshot.Get(Keys.Recovery, "") is not { } recovery) return false;
        if (hasProcess && !RecoveryHosts.HasReported(snapshot, recovery, hostId)) return true;
        return snapshot.Get(Keys.Hosts.Guests, Keys.Hosts.GuestId(hostId, vmId)) is not null || IsUnruled(snapshot, vmId);
    }
}
