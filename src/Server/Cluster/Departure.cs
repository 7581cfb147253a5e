using Lamina.Linux.Cgroups;
using Lamina.Linux.Files;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>
/// What a host does that is a member no more: it stops the guests that it has from that time, puts the cluster's keys and its copy of the state aside, and becomes
/// another host, alone. Decided by <see cref="Standing"/>, carried out at the next start, and begun again after a crash.
/// </summary>
internal static class Departure
{
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(20);

    /// <summary>Notes that it is to be done.</summary>
    public static void Mark(Instance instance, Membership membership) => (membership with { Departing = true }).Write(instance);

    public static async Task RunAsync(Instance instance, EtcdServer etcd, TimeProvider time, CancellationToken cancellation)
    {
        await StopGuestsAsync(instance, cancellation);
        await etcd.RemoveAsync(cancellation);
        string aside = Path.Combine(instance.DataDirectory, $"left-{time.GetUtcNow():yyyyMMdd-HHmmss}");
        Directory.CreateDirectory(aside, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (string path in new[] { instance.StoreDirectory, instance.SecretsDirectory, Path.Combine(instance.DataDirectory, HostIdentity.FileName) })
        {
            string target = Path.Combine(aside, Path.GetFileName(path));
            if (Directory.Exists(path)) Directory.Move(path, target);
            else if (File.Exists(path)) File.Move(path, target);
        }

        DurableFile.SyncDirectory(instance.DataDirectory);
        // Last: until then the next start does all of it again.
        File.Delete(instance.MembershipFile);
    }

    /// <summary>Guests of an assignment that is no more (decision 4): another host may run them by now.</summary>
    private static async Task StopGuestsAsync(Instance instance, CancellationToken cancellation)
    {
        var cgroups = CgroupManager.Detect(instance.CgroupName);
        foreach (var guest in cgroups.List())
        {
            await cgroups.KillAllAsync(guest.Name, KillPatience, cancellation);
            await cgroups.RemoveAsync(guest.Name, cancellation);
        }

        if (Directory.Exists(instance.VmsDirectory)) Directory.Delete(instance.VmsDirectory, recursive: true);
    }
}
