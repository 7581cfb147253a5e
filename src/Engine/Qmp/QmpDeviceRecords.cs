using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Engine.Qmp;

// The records of what is plugged, unplugged and changed while a guest runs.

/// <summary><c>device_add</c>; each driver has options of its own.</summary>
public sealed record DeviceAddArguments
{
    public required string Driver { get; init; }
    public required string Id { get; init; }
    public string? Bus { get; init; }
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Options { get; set; }
}

/// <summary><c>device_del</c> and <c>netdev_del</c>.</summary>
public sealed record DeviceIdArguments
{
    public required string Id { get; init; }
}

/// <summary>An element of <c>query-fdsets</c>.</summary>
public sealed record FdsetInfo
{
    public required long FdsetId { get; init; }
    public required IReadOnlyList<FdsetFdInfo> Fds { get; init; }
}

public sealed record FdsetFdInfo
{
    public required long Fd { get; init; }
    public string? Opaque { get; init; }
}

public sealed record NodeNameArguments
{
    public required string NodeName { get; init; }
}

/// <summary><c>query-named-block-nodes</c>.</summary>
public sealed record FlatArguments
{
    /// <summary>Without what lies below each.</summary>
    public required bool Flat { get; init; }
}

/// <summary><c>block_resize</c>.</summary>
public sealed record BlockResizeArguments
{
    public required string NodeName { get; init; }
    public required long Size { get; init; }
}

/// <summary><c>block_set_io_throttle</c>; 0 is no bound.</summary>
public sealed record BlockThrottleArguments
{
    /// <summary>The device that has the drive, by id or by its path in the machine.</summary>
    public required string Id { get; init; }
    public required long Bps { get; init; }
    [JsonPropertyName("bps_rd")]
    public required long BpsRead { get; init; }
    [JsonPropertyName("bps_wr")]
    public required long BpsWrite { get; init; }
    public required long Iops { get; init; }
    [JsonPropertyName("iops_rd")]
    public required long IopsRead { get; init; }
    [JsonPropertyName("iops_wr")]
    public required long IopsWrite { get; init; }
}

/// <summary><c>blockdev-open-tray</c>.</summary>
public sealed record OpenTrayArguments
{
    public required string Id { get; init; }
    /// <summary>Also when the guest has locked it.</summary>
    public required bool Force { get; init; }
}

/// <summary><c>blockdev-insert-medium</c>.</summary>
public sealed record InsertMediumArguments
{
    public required string Id { get; init; }
    public required string NodeName { get; init; }
}

/// <summary><c>netdev_add</c> with a tap that is open already.</summary>
public sealed record TapNetdev
{
    public string Type => "tap";
    public required string Id { get; init; }
    /// <summary>The name under which <c>getfd</c> brought it.</summary>
    public required string Fd { get; init; }
    public bool Vhost => false;
}

/// <summary><c>netdev_add</c> with QEMU's user-mode network.</summary>
public sealed record UserNetdev
{
    public string Type => "user";
    public required string Id { get; init; }
    public IReadOnlyList<NetdevString>? Hostfwd { get; init; }
}

public sealed record NetdevString
{
    public required string Str { get; init; }
}

/// <summary><c>set_link</c>.</summary>
public sealed record SetLinkArguments
{
    public required string Name { get; init; }
    public required bool Up { get; init; }
}

/// <summary>An element of <c>query-hotpluggable-cpus</c>.</summary>
public sealed record HotpluggableCpu
{
    public required string Type { get; init; }
    public required CpuPlace Props { get; init; }
    /// <summary>Null = the place is empty.</summary>
    public string? QomPath { get; init; }
}

/// <summary>Where in the machine a CPU sits; QEMU wants back what it gave.</summary>
public sealed record CpuPlace
{
    public int? NodeId { get; init; }
    public int? SocketId { get; init; }
    public int? DieId { get; init; }
    public int? CoreId { get; init; }
    public int? ThreadId { get; init; }
}

/// <summary><c>qom-list</c>.</summary>
public sealed record QomPathArguments
{
    public required string Path { get; init; }
}

/// <summary>Data of <c>DEVICE_TRAY_MOVED</c>.</summary>
public sealed record TrayMovedEventData
{
    public required string Id { get; init; }
    public required bool TrayOpen { get; init; }
}

/// <summary>Data of <c>DEVICE_UNPLUG_GUEST_ERROR</c>: the guest said no.</summary>
public sealed record DeviceUnplugErrorEventData
{
    public string? Device { get; init; }
    public required string Path { get; init; }
}

/// <summary>Data of <c>MEMORY_DEVICE_SIZE_CHANGE</c>.</summary>
public sealed record MemorySizeEventData
{
    public string? Id { get; init; }
    /// <summary>What the guest has of it now, in bytes.</summary>
    public required long Size { get; init; }
}
