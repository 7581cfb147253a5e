namespace Lamina.Api;

/// <summary>
/// What is known of a guest's operating system, from the package osinfo-db and Lamina's supplement to it. It is advice: what a request names
/// itself wins.
/// </summary>
public sealed record GuestOperatingSystem
{
    /// <summary>The short id, such as <c>debian12</c> or <c>win11</c>.</summary>
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string? Version { get; init; }
    public string? Vendor { get; init; }

    /// <summary><c>linux</c>, <c>winnt</c>, <c>freebsd</c>…</summary>
    public string? Family { get; init; }

    /// <summary>Other short ids of the same system.</summary>
    public IReadOnlyList<string> Aliases { get; set; } = [];
    public DateOnly? Released { get; init; }

    /// <summary>When its maker stops supporting it.</summary>
    public DateOnly? EndOfLife { get; init; }
    public OperatingSystemResources? Minimum { get; init; }
    public OperatingSystemResources? Recommended { get; init; }

    /// <summary>What a VM of it gets where nothing else is asked for.</summary>
    public required OperatingSystemAdvice Advice { get; init; }
}

/// <summary>For x86-64; a member that its maker does not tell is null.</summary>
public sealed record OperatingSystemResources
{
    public int? Cpus { get; init; }
    public int? MemoryMiB { get; init; }
    public long? DiskBytes { get; init; }
}

public sealed record OperatingSystemAdvice
{
    public required VmFirmware Firmware { get; init; }
    public bool SecureBoot { get; init; }
    public bool Tpm { get; init; }
    public required DiskBus DiskBus { get; init; }
    public required CdromBus CdromBus { get; init; }
    public required NicModel NicModel { get; init; }
    public required VmClock Clock { get; init; }
    public bool HyperV { get; init; }

    /// <summary>It has no virtio drivers of its own: with a medium of them (<c>virtio-win</c>) in a drive it gets virtio devices all the same.</summary>
    public bool NeedsVirtioMedium { get; init; }
    public required int Cpus { get; init; }
    public required int MemoryMiB { get; init; }

    /// <summary>Of a first disk made for an installer.</summary>
    public required long DiskBytes { get; init; }
}
