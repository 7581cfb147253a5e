namespace Lamina.Engine.Qmp;

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
    /// <summary><c>full</c>, or <c>top</c>: what lies below the device's own file is left out.</summary>
    public string Sync { get; set; } = "full";
    /// <summary>Bytes a second; null = no bound.</summary>
    public long? Speed { get; init; }
    /// <summary><c>write-blocking</c>: the guest's writes wait until both sides have them. <c>background</c>: they do not.</summary>
    public string CopyMode { get; set; } = "write-blocking";
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

public sealed record JobStatusEventData
{
    public required string Id { get; init; }
    public required string Status { get; init; }
}
