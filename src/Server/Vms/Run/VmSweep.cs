using Lamina.Engine;
using Lamina.Linux.Cgroups;
using Lamina.Server.Control;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// What a crash left of VMs that are no more (decision 18): runtime folders and empty cgroups without a record are removed; a process without a
/// record is listed and left alone.
/// </summary>
internal sealed class VmSweep(VmHost host, HostVms vms, CgroupManager cgroups)
{
    public async Task<SweepReport> SweepAsync(CancellationToken cancellationToken)
    {
        await vms.Taken.WaitAsync(cancellationToken);
        var removed = new List<string>();
        var orphans = new List<string>();

        // What lies on the host is read before the records: whatever is seen here had its record before it was made.
        string[] folders = Directory.Exists(host.Instance.VmsDirectory) ? Directory.GetDirectories(host.Instance.VmsDirectory) : [];
        var listed = cgroups.List();
        var snapshot = host.Cache.Snapshot;
        foreach (string folder in folders.Where(folder => snapshot.Get(Keys.Vms.Spec, Path.GetFileName(folder)) is null))
        {
            if (await ForgetAsync(folder, cancellationToken)) removed.Add($"runtime folder {folder} of no VM");
        }

        foreach (var cgroup in listed.Where(cgroup => snapshot.Get(Keys.Vms.Spec, cgroup.Name) is null))
        {
            if (!cgroups.IsEmpty(cgroup.Name))
            {
                orphans.Add($"processes {string.Join(", ", cgroups.ReadMembers(cgroup.Name))} in the cgroup of VM {cgroup.Name}, which has no record");
                continue;
            }

            await cgroups.RemoveAsync(cgroup.Name, cancellationToken);
            removed.Add($"empty cgroup {cgroup.Name}");
        }

        return new SweepReport { Removed = removed, Orphans = orphans };
    }

    /// <summary>False: something lives in it, or it says nothing that could be understood.</summary>
    private async Task<bool> ForgetAsync(string folder, CancellationToken cancellationToken)
    {
        try
        {
            await host.Engine.ForgetAsync(folder, cancellationToken);
            return true;
        }
        catch (VmEngineException)
        {
            return false;
        }
    }
}
