using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Engine.Qmp;

// The records of the monitor that count, and those of the balloon.

/// <summary><c>query-blockstats</c>.</summary>
public sealed record QueryBlockStatsArguments
{
    /// <summary>Also nodes that no device uses.</summary>
    public bool QueryNodes { get; init; }
}

/// <summary>An element of <c>query-blockstats</c>.</summary>
public sealed record BlockStats
{
    /// <summary>A device's id, or its path in the machine.</summary>
    public string? Qdev { get; init; }
    public required BlockDeviceStats Stats { get; init; }
}

/// <summary>Counters since the device is there; times are nanoseconds, those of requests at the same time summed up.</summary>
public sealed record BlockDeviceStats
{
    [JsonPropertyName("rd_bytes")]
    public required long ReadBytes { get; init; }
    [JsonPropertyName("wr_bytes")]
    public required long WriteBytes { get; init; }
    [JsonPropertyName("rd_operations")]
    public required long Reads { get; init; }
    [JsonPropertyName("wr_operations")]
    public required long Writes { get; init; }
    [JsonPropertyName("flush_operations")]
    public required long Flushes { get; init; }
    [JsonPropertyName("rd_total_time_ns")]
    public required long ReadNanoseconds { get; init; }
    [JsonPropertyName("wr_total_time_ns")]
    public required long WriteNanoseconds { get; init; }
}

/// <summary><c>balloon</c>.</summary>
public sealed record BalloonArguments
{
    /// <summary>What the guest shall have left, in bytes.</summary>
    public required long Value { get; init; }
}

/// <summary><c>qom-get</c>.</summary>
public sealed record QomGetArguments
{
    public required string Path { get; init; }
    public required string Property { get; init; }
}

/// <summary><c>qom-set</c> of a number.</summary>
public sealed record QomSetArguments
{
    public required string Path { get; init; }
    public required string Property { get; init; }
    public required long Value { get; init; }
}

/// <summary>The property <c>guest-stats</c> of a balloon (docs/interop/virtio-balloon-stats.rst). What the guest does not tell is 2^64 - 1.</summary>
public sealed record BalloonGuestStats
{
    public required IReadOnlyDictionary<string, ulong> Stats { get; init; }

    /// <summary>Seconds since 1970 by QEMU's clock; 0 = never.</summary>
    public required long LastUpdate { get; init; }
}

/// <summary><c>query-stats</c> of all virtual CPUs (QEMU 7.1 and later).</summary>
public sealed record QueryStatsArguments
{
    public required string Target { get; init; }
    public required IReadOnlyList<StatsRequest> Providers { get; init; }
}

public sealed record StatsRequest
{
    public required string Provider { get; init; }
    public required IReadOnlyList<string> Names { get; init; }
}

/// <summary>An element of <c>query-stats</c>: one virtual CPU.</summary>
public sealed record StatsResult
{
    public required string Provider { get; init; }
    public required IReadOnlyList<NamedStat> Stats { get; init; }
}

public sealed record NamedStat
{
    public required string Name { get; init; }

    /// <summary>A number, a boolean or a list of numbers.</summary>
    public required JsonElement Value { get; init; }
}
