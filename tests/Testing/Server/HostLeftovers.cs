using System.Text;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server;

namespace Lamina.Testing.Server;

/// <summary>Removes from the host what a test's daemon left on purpose: its guests, dnsmasq, links and packet rules outlive it.</summary>
internal static class HostLeftovers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task RemoveAsync(Instance instance)
    {
        await KillGuestsAsync(instance);
        KillHelpers(instance);
        using (var netlink = new Netlink())
        {
            foreach (var link in netlink.ListLinks().Where(link => link.Alias?.StartsWith($"lamina/{instance.Name}/", StringComparison.Ordinal) == true))
                netlink.DeleteLink(link.Name);
        }

        // Both families in one go; a missing one fails by itself.
        foreach (string family in new[] { "inet", "bridge" })
            await Command.RunAsync(new CommandSpec { Program = "nft", Arguments = ["delete", "table", family, instance.NftTable], Timeout = Patience }, CancellationToken.None);
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

    /// <summary>dnsmasq names a file below the run folder on its command line; so does nothing else that is left.</summary>
    private static void KillHelpers(Instance instance)
    {
        string mark = instance.RunDirectory + "/";
        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            try
            {
                if (!Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(folder, "cmdline"))).Contains(mark, StringComparison.Ordinal)) continue;
                int id = int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture);
                if (id != Environment.ProcessId) System.Diagnostics.Process.GetProcessById(id).Kill();
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
            {
                // It ended by itself.
            }
        }
    }
}
