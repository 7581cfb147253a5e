using System.Text.Json.Serialization;

namespace Lamina.Engine.Qmp;

public sealed record MigrationCapabilities
{
    public required IReadOnlyList<MigrationCapability> Capabilities { get; init; }
}

public sealed record MigrationCapability
{
    /// <summary>Such as <c>events</c>, which is off by default.</summary>
    public required string Capability { get; init; }
    public required bool State { get; init; }
}

public sealed record MigrationParameters
{
    /// <summary>Bytes a second; QEMU's default is 128 MiB.</summary>
    public required long MaxBandwidth { get; init; }
    /// <summary>Milliseconds.</summary>
    public required long DowntimeLimit { get; init; }
}

public sealed record UriArguments
{
    /// <summary><c>fd:NAME</c>, of a file given by <c>getfd</c>.</summary>
    public required string Uri { get; init; }
}

/// <summary><c>query-migrate</c>.</summary>
public sealed record MigrationInfo
{
    /// <summary>QEMU's MigrationStatus; null = there was none.</summary>
    public string? Status { get; init; }
    public MigrationStats? Ram { get; init; }
    public string? ErrorDesc { get; init; }
}

public sealed record MigrationStats
{
    public required long Transferred { get; init; }
    public required long Total { get; init; }
    public required long Remaining { get; init; }
}

public sealed record TransactionArguments
{
    public required IReadOnlyList<SnapshotAction> Actions { get; init; }
}

public sealed record SnapshotAction
{
    public string Type => "blockdev-snapshot";
    public required SnapshotActionData Data { get; init; }
}

public sealed record SnapshotActionData
{
    /// <summary>What the device has now.</summary>
    public required string Node { get; init; }
    /// <summary>What is put on top of it.</summary>
    public required string Overlay { get; init; }
}

public sealed record BlockCommitArguments
{
    public required string JobId { get; init; }
    /// <summary>The top of the whole chain.</summary>
    public required string Device { get; init; }
    public required string TopNode { get; init; }
    public required string BaseNode { get; init; }
    /// <summary>What the header of the file above shall say of the base; not allowed when the top is the device's own.</summary>
    public string? BackingFile { get; init; }
    public bool AutoDismiss => false;
}

public sealed record BlockdevMirrorArguments
{
    public required string JobId { get; init; }
    /// <summary>The top of the chain that is copied, with all below it.</summary>
    public required string Device { get; init; }
    /// <summary>The node that the device has once the job is completed.</summary>
    public required string Target { get; init; }
    public string Sync => "full";
    public string CopyMode => "write-blocking";
    public bool AutoDismiss => false;
}

/// <summary>An element of <c>query-jobs</c>.</summary>
public sealed record JobInfo
{
    public required string Id { get; init; }
    /// <summary>QEMU's JobType: <c>commit</c>, <c>mirror</c>…</summary>
    public required string Type { get; init; }
    /// <summary>QEMU's JobStatus: <c>running</c>, <c>ready</c>, <c>concluded</c>…</summary>
    public required string Status { get; init; }
    public required long CurrentProgress { get; init; }
    public required long TotalProgress { get; init; }
    public string? Error { get; init; }
}

public sealed record MigrationEventData
{
    public required string Status { get; init; }
}

public sealed record JobStatusEventData
{
    public required string Id { get; init; }
    public required string Status { get; init; }
}
