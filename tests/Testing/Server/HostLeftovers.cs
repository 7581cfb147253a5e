using Lamina.Linux.Cgroups;
using Lamina.Server;
using Lamina.Server.Networks;

namespace Lamina.Testing.Server;

/// <summary>Removes from the host what a test's daemon left on purpose: its guests, dnsmasq, links and packet rules outlive it.</summary>
internal static class HostLeftovers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task RemoveAsync(Instance instance)
    {
        await KillGuestsAsync(instance);
        await NetworkRemoval.RunAsync(instance, TimeProvider.System, CancellationToken.None);
    }

    private static async Task KillGuestsAsync(Instance instance)
    {
        var cgroups = CgroupManager.Detect(instance.CgroupName);
        foreach (var group in cgroups.List())
        {
            await cgroups.KillAllAsync(group.Name, Patience, CancellationToken.None);
            await cgroups.RemoveAsync(group.Name, CancellationToken.None);
        }

        // The instance's own folders: one on cgroup v2, one per controller on v1.
        foreach (string folder in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(root => Path.Combine(root, instance.CgroupName)).Where(Directory.Exists))
            Directory.Delete(folder);
    }
}
