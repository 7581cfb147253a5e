using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>A host as placement sees it.</summary>
internal sealed record PlacementHost
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required int MemoryMiB { get; init; }

    /// <summary>How much of that may be promised to running VMs.</summary>
    public int OvercommitPercent { get; init; } = HostMemoryPolicy.NoOvercommit;

    public int CapacityMiB => (int)Math.Min(int.MaxValue, (long)MemoryMiB * OvercommitPercent / 100);
    public required int Cores { get; init; }
    public required AcceleratorKind Accelerator { get; init; }

    /// <summary>Sum of <see cref="VmFootprint.AdmissionMiB"/> of the VMs that run there.</summary>
    public required int CommittedMiB { get; init; }
}

/// <summary>The host chosen, or why none can take the VM; exactly one of the two is set.</summary>
internal sealed record PlacementVerdict
{
    public string? Host { get; init; }
    public Failure? Refusal { get; init; }
}

/// <summary>Chooses the host of a VM, and says whether a host has room to start one (pure).</summary>
internal static class Placer
{
    /// <summary>
    /// The host with the most room left. A VM that fits no host's free memory is still placed where the host as a whole could hold it: its
    /// start is refused there until there is room, but its disks have a home.
    /// </summary>
    public static PlacementVerdict Place(string vmName, int memoryMiB, IReadOnlyList<PlacementHost> hosts)
    {
        var best = hosts
            .Where(host => VmFootprint.Of(memoryMiB, host.Accelerator).AdmissionMiB <= host.MemoryMiB)
            .OrderByDescending(host => host.CapacityMiB - host.CommittedMiB)
            .ThenBy(host => host.Id, StringComparer.Ordinal)
            .FirstOrDefault();
        return best is null ? new PlacementVerdict { Refusal = NoHost(vmName, memoryMiB, hosts) } : new PlacementVerdict { Host = best.Id };
    }

    /// <summary>Null: there is room to start the VM now.</summary>
    /// <param name="vmName">For the words.</param>
    /// <param name="memoryMiB">The guest's memory.</param>
    /// <param name="host">Where; <see cref="PlacementHost.CommittedMiB"/> without this VM.</param>
    public static Failure? Admit(string vmName, int memoryMiB, PlacementHost host)
    {
        int needed = VmFootprint.Of(memoryMiB, host.Accelerator).AdmissionMiB;
        int free = host.CapacityMiB - host.CommittedMiB;
        if (needed <= free) return null;
        return new Failure
        {
            Code = "host.memoryFull",
            Message = $"VM '{vmName}' needs {needed} MiB on host '{host.Name}' ({memoryMiB} MiB for the guest, the rest for QEMU), but only {Math.Max(free, 0)} of {host.CapacityMiB} MiB are not yet promised to running VMs.",
            Remedy = "Stop another VM, or give this one less memory: lamina vm set NAME --memory SIZE. If guests seldom need all of theirs: lamina host set HOST --memory-overcommit 1.5.",
        };
    }

    private static Failure NoHost(string vmName, int memoryMiB, IReadOnlyList<PlacementHost> hosts) => new()
    {
        Code = "placement.noHost",
        Message = hosts.Count == 0
            ? $"VM '{vmName}' cannot be placed: no host has reported yet."
            : $"VM '{vmName}' with {memoryMiB} MiB fits no host: " + string.Join(", ", hosts.Select(host => $"'{host.Name}' has {host.MemoryMiB} MiB")) + ".",
        Remedy = hosts.Count == 0 ? "Wait until the daemon has probed this host: lamina doctor." : "Give the VM less memory.",
    };
}
