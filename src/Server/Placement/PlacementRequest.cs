using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>A VM that looks for a host: what it needs of one.</summary>
internal sealed record PlacementRequest
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string Project { get; init; } = ProjectRecord.DefaultProject;
    public required int MemoryMiB { get; init; }
    public int Cpus { get; init; } = 1;

    /// <summary>Named with its version; null: any will do.</summary>
    public string? CpuModel { get; init; }

    /// <summary>Null: any will do.</summary>
    public string? MachineType { get; init; }

    /// <summary>Ids of the pools in which its disks and media lie.</summary>
    public IReadOnlyList<string> Pools { get; init; } = [];

    /// <summary>Ids of the networks that its cards are on.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>What a VM of this spec needs that has no host: the pools that nobody has named are yet to be chosen.</summary>
    public static PlacementRequest OfUnplaced(string id, VmSpec spec, Func<string, DiskSpec?> disk) =>
        Of(id, spec with { HomePool = null }, named => disk(named) is { AnyPool: false } found ? found.Pool : null);

    /// <summary>What a VM of this spec needs.</summary>
    public static PlacementRequest Of(string id, VmSpec spec, Func<string, string?> poolOfDisk) => new()
    {
        Id = id,
        Name = spec.Name,
        Project = spec.Project,
        MemoryMiB = spec.MemoryMiB,
        Cpus = spec.Cpus,
        CpuModel = spec.Machine.CpuModel,
        MachineType = spec.Machine.Type,
        Pools = [.. spec.Disks.Select(disk => poolOfDisk(disk.Disk)).Append(spec.HomePool).OfType<string>().Distinct()],
        Networks = [.. spec.Nics.Select(nic => nic.Network).OfType<string>().Distinct()],
        Tags = spec.Tags,
    };
}
