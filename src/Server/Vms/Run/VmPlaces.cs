using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Placement;

namespace Lamina.Server.Vms.Run;

/// <summary>This host as placement sees it.</summary>
internal static class VmPlaces
{
    public static PlacementHost Here(VmHost host, AcceleratorKind accelerator)
    {
        var snapshot = host.Cache.Snapshot;
        var status = snapshot.Get(Keys.Hosts.Status, host.HostId)?.Record;
        return new PlacementHost
        {
            Id = host.HostId,
            Name = host.HostName,
            MemoryMiB = (int)(status?.MemoryMiB ?? 0),
            OvercommitPercent = snapshot.Get(Keys.Hosts.Spec, host.HostId)?.Record.Memory.OvercommitPercent ?? HostMemoryPolicy.NoOvercommit,
            Cores = status?.Cores ?? 0,
            Accelerator = accelerator,
            CommittedMiB = 0,
        };
    }
}
