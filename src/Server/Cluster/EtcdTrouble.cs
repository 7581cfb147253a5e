using Lamina.Linux;
using Lamina.Linux.Files;

namespace Lamina.Server.Cluster;

/// <summary>What keeps this host's etcd from its work, as far as the host can see it.</summary>
internal static class EtcdTrouble
{
    /// <summary>Less than one growth of etcd's database and log needs: etcd ends when it finds no room.</summary>
    private const long LeastBytes = 1 << 20;

    /// <returns>A sentence with the remedy; null: nothing is seen.</returns>
    public static string? Of(Instance instance)
    {
        try
        {
            return FileSystemSpace.Read(instance.EtcdDirectory).AvailableBytes >= LeastBytes ? null
                : $"The file system that holds this host's copy of the store ({instance.EtcdDirectory}) is full. Make room there: etcd is started again by itself, and guests run on.";
        }
        catch (LinuxException)
        {
            // Not there, or not to be read: which other words tell.
            return null;
        }
    }
}
