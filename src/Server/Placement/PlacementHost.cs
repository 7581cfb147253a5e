using System.Collections.Frozen;
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

    /// <summary>Sum of <see cref="VmFootprint.AdmissionMiB"/> of the VMs that run or shall run there.</summary>
    public required int CommittedMiB { get; init; }

    /// <summary>Sum of their vCPUs.</summary>
    public int CommittedCpus { get; init; }

    /// <summary>Why nothing may be placed there now, in words; null: it takes VMs.</summary>
    public string? Closed { get; init; }

    /// <summary>CPU models that it offers whole; null: it has not told, and is believed.</summary>
    public FrozenSet<string>? CpuModels { get; init; }

    /// <summary>Machine types that its QEMU knows; null: it has not told, and is believed.</summary>
    public FrozenSet<string>? MachineTypes { get; init; }

    /// <summary>Ids of the pools that it reaches; null: it is not known, and believed to reach all.</summary>
    public FrozenSet<string>? Pools { get; init; }

    /// <summary>The networks that it says it cannot offer now, by their ids, with the reason for people. One of which it has not told is believed to be there.</summary>
    public FrozenDictionary<string, string> MissingNetworks { get; init; } = FrozenDictionary<string, string>.Empty;

    public bool Reaches(string pool) => Pools?.Contains(pool) ?? true;

    public int FreeMiB => CapacityMiB - CommittedMiB;
}
