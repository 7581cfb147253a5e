using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>Whether a host holds its lease in the store (pure): it is there now, and reaches the store.</summary>
internal static class HostPresence
{
    public static bool IsLive(CacheSnapshot snapshot, string hostId) => snapshot.Get(Keys.Hosts.Status, hostId) is not null;
}
