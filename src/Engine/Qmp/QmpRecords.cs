using System.Text.Json.Serialization;

namespace Lamina.Engine.Qmp;

// The records of the monitor, one per request, answer and event that the engine uses. Names follow QEMU's schema; a test walks
// every one of them against the installed QEMU's query-qmp-schema.

public sealed record QmpCapabilitiesArguments
{
    public required IReadOnlyList<QmpCapability> Enable { get; init; }
}

[JsonConverter(typeof(KebabCaseEnumConverter<QmpCapability>))]
public enum QmpCapability
{
    Oob,
}

/// <summary><c>query-status</c>.</summary>
public sealed record StatusInfo
{
    public required bool Running { get; init; }
    public required RunState Status { get; init; }
}

/// <summary><c>query-balloon</c>.</summary>
public sealed record BalloonInfo
{
    /// <summary>What the guest has now, in bytes; it lags behind what was asked.</summary>
    public required long Actual { get; init; }
}

/// <summary><c>getfd</c> and <c>closefd</c>.</summary>
public sealed record FdNameArguments
{
    [JsonPropertyName("fdname")]
    public required string FdName { get; init; }
}

/// <summary><c>add_client</c>.</summary>
public sealed record AddClientArguments
{
    /// <summary><c>vnc</c>.</summary>
    public required string Protocol { get; init; }
    [JsonPropertyName("fdname")]
    public required string FdName { get; init; }
    /// <summary>The daemon has let the client in already.</summary>
    [JsonPropertyName("skipauth")]
    public bool SkipAuth { get; init; }
}

/// <summary><c>add-fd</c>; the file travels with the command.</summary>
public sealed record AddFdArguments
{
    /// <summary>Null = a new set.</summary>
    public long? FdsetId { get; init; }
    /// <summary>Words for people who look at <c>query-fdsets</c>.</summary>
    public string? Opaque { get; init; }
}

/// <summary>Answer of <c>add-fd</c>: QEMU opens the file as <c>/dev/fdset/{FdsetId}</c>.</summary>
public sealed record AddFdInfo
{
    public required long FdsetId { get; init; }
    public required long Fd { get; init; }
}

/// <summary><c>remove-fd</c>: the set stays until its last user has closed it.</summary>
public sealed record RemoveFdArguments
{
    public required long FdsetId { get; init; }
    /// <summary>Null = all of the set.</summary>
    public long? Fd { get; init; }
}

/// <summary><c>screendump</c>.</summary>
public sealed record ScreenDumpArguments
{
    public required string Filename { get; init; }
    /// <summary><c>png</c> (7.1 and later) or <c>ppm</c>.</summary>
    public string Format => "png";
}

/// <summary><c>send-key</c>: all are pressed at once, held, and let go.</summary>
public sealed record SendKeyArguments
{
    public required IReadOnlyList<QmpKey> Keys { get; init; }
    /// <summary>Milliseconds.</summary>
    public int? HoldTime { get; init; }
}

/// <summary>A key by the place that it has on a keyboard, in QEMU's words (QKeyCode).</summary>
public sealed record QmpKey
{
    public string Type => "qcode";
    public required string Data { get; init; }
}

/// <summary>An element of <c>query-machines</c>.</summary>
public sealed record MachineInfo
{
    public required string Name { get; init; }
    public required int CpuMax { get; init; }
    public required bool Deprecated { get; init; }
}

/// <summary>An element of <c>query-cpu-definitions</c>.</summary>
public sealed record CpuDefinitionInfo
{
    public required string Name { get; init; }
    /// <summary>Null = QEMU cannot say.</summary>
    public IReadOnlyList<string>? UnavailableFeatures { get; init; }
    public required bool Deprecated { get; init; }
}

/// <summary>An element of <c>query-block</c>, as far as the engine reads it.</summary>
public sealed record BlockInfo
{
    /// <summary>The device's path in the machine.</summary>
    public string? Qdev { get; init; }
    public BlockDeviceInfo? Inserted { get; init; }
    /// <summary>The guest holds the tray.</summary>
    public required bool Locked { get; init; }
    /// <summary>Null = a device without a tray.</summary>
    [JsonPropertyName("tray_open")]
    public bool? TrayOpen { get; init; }
    public BlockIoStatus? IoStatus { get; init; }
}

public sealed record BlockCacheInfo
{
    public required bool Direct { get; init; }
}

public sealed record BlockDeviceInfo
{
    public string? NodeName { get; init; }
    /// <summary>The file's name; of those QEMU got as open descriptors <c>/dev/fdset/N</c>.</summary>
    public required string File { get; init; }
    public required BlockImageInfo Image { get; init; }
    public required bool Ro { get; init; }
    public required BlockCacheInfo Cache { get; init; }
    public required long Iops { get; init; }
    [JsonPropertyName("iops_rd")]
    public required long IopsRead { get; init; }
    [JsonPropertyName("iops_wr")]
    public required long IopsWrite { get; init; }
    public required long Bps { get; init; }
    [JsonPropertyName("bps_rd")]
    public required long BpsRead { get; init; }
    [JsonPropertyName("bps_wr")]
    public required long BpsWrite { get; init; }
}

public sealed record BlockImageInfo
{
    /// <summary>What a guest sees, in bytes.</summary>
    public required long VirtualSize { get; init; }
}

[JsonConverter(typeof(KebabCaseEnumConverter<BlockIoStatus>))]
public enum BlockIoStatus
{
    Ok,
    Failed,
    [JsonStringEnumMemberName("nospace")]
    NoSpace,
}

/// <summary><c>device-list-properties</c>.</summary>
public sealed record DeviceListPropertiesArguments
{
    /// <summary>A device such as <c>virtio-net-pci</c>.</summary>
    public required string Typename { get; init; }
}

/// <summary>An element of <c>device-list-properties</c>.</summary>
public sealed record ObjectPropertyInfo
{
    public required string Name { get; init; }
}

/// <summary>Data of <c>SHUTDOWN</c> and <c>RESET</c>.</summary>
public sealed record ShutdownEventData
{
    /// <summary>The guest did it itself.</summary>
    public required bool Guest { get; init; }
    /// <summary>QEMU's ShutdownCause; a string, since newer versions add causes.</summary>
    public required string Reason { get; init; }
}

/// <summary>Data of <c>BLOCK_IO_ERROR</c>.</summary>
public sealed record BlockIoErrorEventData
{
    /// <summary>Empty for disks made with <c>-blockdev</c>: the node name tells.</summary>
    public required string Device { get; init; }
    public string? NodeName { get; init; }
    public required string Action { get; init; }
    [JsonPropertyName("nospace")]
    public bool? NoSpace { get; init; }
    public required string Reason { get; init; }
}

/// <summary>Data of <c>DEVICE_DELETED</c>.</summary>
public sealed record DeviceDeletedEventData
{
    /// <summary>The device's id; null for parts of a device, which have only a path.</summary>
    public string? Device { get; init; }
    public required string Path { get; init; }
}

/// <summary>Data of <c>WATCHDOG</c>.</summary>
public sealed record WatchdogEventData
{
    /// <summary>QEMU's WatchdogAction; a string, since newer versions add actions.</summary>
    public required string Action { get; init; }
}

/// <summary>Data of <c>GUEST_PANICKED</c>.</summary>
public sealed record GuestPanickedEventData
{
    public required string Action { get; init; }
}
