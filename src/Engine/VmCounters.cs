namespace Lamina.Engine;

/// <summary>What an engine counts of one run, from its start. What it cannot tell is null.</summary>
public sealed record VmCounters
{
    public IReadOnlyList<VmDiskCounters> Disks { get; init; } = [];

    /// <summary>What the balloon leaves to the guest, in bytes; null = it has no balloon.</summary>
    public long? BalloonBytes { get; init; }

    /// <summary>Null = its system tells nothing, or not yet.</summary>
    public GuestMemory? Guest { get; init; }

    /// <summary>How often virtual CPUs left the guest for the hypervisor; KVM only.</summary>
    public long? Exits { get; init; }
}

/// <summary>A disk as the guest sees it.</summary>
public sealed record VmDiskCounters
{
    /// <summary>Such as <c>disk0</c>.</summary>
    public required string Device { get; init; }
    public required long Reads { get; init; }
    public required long ReadBytes { get; init; }
    public required TimeSpan ReadTime { get; init; }
    public required long Writes { get; init; }
    public required long WriteBytes { get; init; }
    public required TimeSpan WriteTime { get; init; }
    public required long Flushes { get; init; }
}

/// <summary>What the guest's balloon driver tells of its memory (virtio specification 5.5.6.3). A member that it leaves out is null.</summary>
public sealed record GuestMemory
{
    /// <summary>When it told so.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Linux with deflate-on-oom counts what the balloon holds in this as well, as used.</summary>
    public long? TotalBytes { get; init; }

    /// <summary>What programs could still get without swapping; what the balloon holds is not in it.</summary>
    public long? AvailableBytes { get; init; }
    public long? FreeBytes { get; init; }
    public long? CacheBytes { get; init; }
    public long? SwappedInBytes { get; init; }
    public long? SwappedOutBytes { get; init; }
    public long? MajorFaults { get; init; }
}
