namespace Lamina.Api;

/// <summary>The answer to <c>POST /v1/vms/forecast</c>, which takes the body of <c>POST /v1/vms</c> and makes nothing: what the VM would be, take, and where it would land now.</summary>
public sealed record VmForecast
{
    public required string Name { get; init; }

    /// <summary>As asked for, or as advised for its operating system.</summary>
    public required int Cpus { get; init; }

    /// <summary>Of the guest.</summary>
    public required int MemoryMiB { get; init; }
    public required VmFirmware Firmware { get; init; }
    public string? OperatingSystem { get; init; }
    public required string CpuModel { get; init; }
    public required IReadOnlyList<VmForecastDisk> Disks { get; init; }

    /// <summary>What would be taken as asked for, but is likely not meant.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];

    /// <summary>Id of the host where it would land; null: on none, see <see cref="Refusal"/>.</summary>
    public string? Host { get; init; }
    public string? HostName { get; init; }

    /// <summary>Why there. Another VM that is made first may change it.</summary>
    public PlacementWhy? Why { get; init; }

    /// <summary>Why no host can take it.</summary>
    public Failure? Refusal { get; init; }

    /// <summary>What each host says, the best first.</summary>
    public required IReadOnlyList<PlacementOpinion> Hosts { get; init; }
}

/// <summary>A disk that would be made, in a <see cref="VmForecast"/>. It takes up room as the guest writes.</summary>
public sealed record VmForecastDisk
{
    public required string Name { get; init; }

    /// <summary>At the most.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Id of the pool.</summary>
    public required string Pool { get; init; }
    public required string PoolName { get; init; }

    /// <summary>Free there now; null: the pool has not told.</summary>
    public long? PoolFreeBytes { get; init; }
}
