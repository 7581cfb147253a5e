using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

/// <summary>
/// What a host does with its process of a VM that another host has (pure): a host that was taken for dead has come back. Only a higher epoch ends the process, and
/// only when a transaction has confirmed it (decision 6): a record that is lost, or one of the same epoch, kills nothing.
/// </summary>
internal static class VmOutlived
{
    /// <param name="assignment">The VM's, as this host knows it.</param>
    /// <param name="hostId">This host.</param>
    /// <param name="processEpoch">At which its process was started.</param>
    public static bool IsOver(VmAssignment? assignment, string hostId, long processEpoch) =>
        assignment is not null && assignment.Host != hostId && assignment.Epoch > processEpoch;
}
