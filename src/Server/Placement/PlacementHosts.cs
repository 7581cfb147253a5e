using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Placement;

/// <summary>Reads the hosts for placement from a snapshot.</summary>
internal static class PlacementHosts
{
    /// <summary>The hosts that have told what they are, with what their running VMs take.</summary>
    public static IReadOnlyList<PlacementHost> Read(CacheSnapshot snapshot)
    {
        var committed = snapshot.All(Keys.Vms.Status)
            .Where(status => status.Record.State is not (VmState.Stopped or VmState.Suspended or VmState.Gone))
            .Select(status => (status.Record, Spec: snapshot.Get(Keys.Vms.Spec, status.Id)?.Record))
            .Where(vm => vm.Spec is not null)
            .ToLookup(vm => vm.Record.Host, vm => VmFootprint.Of(vm.Spec!.MemoryMiB, vm.Record.Accelerator?.Kind ?? AcceleratorKind.Tcg).AdmissionMiB);
        return
        [
            .. snapshot.All(Keys.Hosts.Status)
                .Where(host => host.Record is { MemoryMiB: > 0, Accelerator: not null })
                .Select(host => new PlacementHost
                {
                    Id = host.Id,
                    Name = snapshot.Get(Keys.Hosts.Spec, host.Id)?.Record.Name ?? host.Id,
                    MemoryMiB = (int)host.Record.MemoryMiB,
                    OvercommitPercent = snapshot.Get(Keys.Hosts.Spec, host.Id)?.Record.Memory.OvercommitPercent ?? HostMemoryPolicy.NoOvercommit,
                    Cores = host.Record.Cores,
                    Accelerator = host.Record.Accelerator!.Kind,
                    CommittedMiB = committed[host.Id].Sum(),
                }),
        ];
    }
}
