namespace Lamina.Server.Upgrades;

/// <summary>The steps of an upgrade in words (pure).</summary>
internal static class UpgradeWords
{
    /// <summary>Why a host is asked now.</summary>
    public static string Why(UpgradeJob job, UpgradeAct act, UpgradeHost host) => act switch
    {
        UpgradeAct.Prepare => $"Host '{host.Name}' makes version {job.Version} ready: nothing is replaced before all hosts have it.",
        UpgradeAct.Empty => $"Host '{host.Name}' is emptied before its daemon is replaced, as was asked for.",
        UpgradeAct.Fill => $"Host '{host.Name}' has version {job.Version} and gets its VMs back.",
        _ => $"The daemon of host '{host.Name}' is replaced by version {job.Version}: {Turn(host.Rank)}.",
    };

    private static string Turn(UpgradeRank rank) => rank switch
    {
        UpgradeRank.Witness => "it is a witness, and those come first",
        UpgradeRank.Client => "it does not vote on the store, and such hosts come before those that do",
        UpgradeRank.Voter => "it votes on the store, and those that do not have the version already",
        _ => "it leads, and all others have the version already",
    };
}
