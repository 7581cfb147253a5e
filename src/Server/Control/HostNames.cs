namespace Lamina.Server.Control;

/// <summary>Hosts in words for people.</summary>
internal static class HostNames
{
    /// <summary>The host's name; its id when it is not known any more.</summary>
    public static string HostName(this CacheSnapshot snapshot, string hostId) => snapshot.Get(Keys.Hosts.Spec, hostId)?.Record.Name ?? hostId;
}
