using Lamina.Server.Control;

namespace Lamina.Server.Hosts;

/// <summary>
/// Up to which release all hosts go along (decision 13; pure): the lowest of their versions. What records of a later release can say is not to be asked for before all hosts have it.
/// </summary>
internal static class ClusterLevel
{
    /// <summary>For example <c>0.1</c>; null: no host has told its version yet.</summary>
    public static string? Of(CacheSnapshot snapshot) => Ordered(snapshot).Select(ProgramVersion.LevelOf).FirstOrDefault();

    /// <summary>The newest version that a host runs; null: none has told its own yet.</summary>
    public static string? NewestIn(CacheSnapshot snapshot) => Ordered(snapshot).LastOrDefault();

    /// <summary>Of the hosts that have told theirs.</summary>
    public static IEnumerable<string> VersionsIn(CacheSnapshot snapshot) =>
        snapshot.All(Keys.Hosts.Spec).Select(host => snapshot.Get(Keys.Hosts.Status, host.Id)?.Record.DaemonVersion).OfType<string>();

    private static IEnumerable<string> Ordered(CacheSnapshot snapshot) => VersionsIn(snapshot).Order(Comparer<string>.Create(ProgramVersion.Compare));
}
