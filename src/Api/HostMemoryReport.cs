using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>How a host uses its memory; part of <see cref="HostSpec"/>.</summary>
public sealed record HostMemoryPolicy : RecordPart
{
    public const int NoOvercommit = 100;

    /// <summary>How much may be promised to running VMs, in percent of the memory that is there; above 100 is a bet that they do not need it all.</summary>
    public int OvercommitPercent { get; set; } = NoOvercommit;

    /// <summary>Whether balloons take memory from guests that have it to spare when the host runs short.</summary>
    public bool Balloon { get; set; } = true;
    public KsmMode Ksm { get; init; }
}

/// <summary>Whether the kernel looks for identical pages and keeps them once (KSM), in the VMs that were made for it (<see cref="VmSpec.MergeMemory"/>).</summary>
[JsonConverter(typeof(CamelCaseEnum<KsmMode>))]
public enum KsmMode
{
    /// <summary>As somebody else has set it: Lamina touches nothing.</summary>
    Leave,
    Off,

    /// <summary>While memory is short.</summary>
    Auto,
    On,
}

/// <summary>Body of <c>PATCH /v1/hosts/{host}</c> (RFC 7396 on these members of the spec; null takes a member back to its default).</summary>
public sealed record HostUpdate
{
    public HostMemoryPolicyUpdate? Memory { get; init; }
}

/// <summary>What of <see cref="HostMemoryPolicy"/> may be changed.</summary>
public sealed record HostMemoryPolicyUpdate
{
    public int? OvercommitPercent { get; init; }
    public bool? Balloon { get; init; }
    public KsmMode? Ksm { get; init; }
}

/// <summary>Answer of <c>GET /v1/hosts/{host}/memory</c>: what of the memory is promised, what is really used, and what overcommit costs now.</summary>
public sealed record HostMemoryReport
{
    public required long TotalBytes { get; init; }
    public required long AvailableBytes { get; init; }

    /// <summary>What may be promised to running VMs: the memory that is there times the overcommit.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>What is promised to running VMs, with what QEMU needs beside the guests.</summary>
    public required long PromisedBytes { get; init; }

    /// <summary>The memory of the guests that run.</summary>
    public required long GuestBytes { get; init; }

    /// <summary>Of that, what takes up memory of the host.</summary>
    public required long GuestResidentBytes { get; init; }

    /// <summary>What balloons have taken from guests.</summary>
    public required long BalloonBytes { get; init; }

    /// <summary>What guests never touched or have given back as free pages, beyond the balloons.</summary>
    public required long UntouchedBytes { get; init; }

    /// <summary>What QEMU takes up beside the guests.</summary>
    public required long OverheadBytes { get; init; }
    public required long SwapUsedBytes { get; init; }
    public double? SwapInBytesPerSecond { get; init; }
    public double? SwapOutBytesPerSecond { get; init; }

    /// <summary>Part of the last 10 s in which some, and in which all tasks waited for memory.</summary>
    public double? PressurePercent { get; init; }
    public double? PressureFullPercent { get; init; }

    /// <summary>Whether the kernel merges now, and what that saves.</summary>
    public required bool KsmRuns { get; init; }
    public required long KsmSavedBytes { get; init; }
    public required BalloonPhase Balloon { get; init; }

    /// <summary>Why balloons do what they do, in a sentence.</summary>
    public required string Reason { get; init; }
}

/// <summary>What balloons do on a host.</summary>
[JsonConverter(typeof(CamelCaseEnum<BalloonPhase>))]
public enum BalloonPhase
{
    /// <summary>Nothing is taken.</summary>
    Idle,

    /// <summary>Memory is short: guests with some to spare give it.</summary>
    Taking,

    /// <summary>What was taken stays so.</summary>
    Holding,

    /// <summary>There is room again: guests get theirs back.</summary>
    GivingBack,

    /// <summary>Switched off for this host.</summary>
    Off,
}
