using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>Where disks live.</summary>
public sealed record Pool
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required PoolSpec Spec { get; init; }
    public PoolStatus? Status { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<PoolKind>))]
public enum PoolKind
{
    Directory,
}

/// <summary>Who keeps a second host from writing the same disk.</summary>
[JsonConverter(typeof(CamelCaseEnum<PoolWall>))]
public enum PoolWall
{
    None,
    Host,
    Cluster,
}

public sealed record PoolSpec : StoredRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public PoolKind Kind { get; init; }
    public required string Path { get; init; }
    public PoolWall Wall { get; set; } = PoolWall.Host;

    /// <summary>Kept free for the host: new disks, images and uploads are refused below it.</summary>
    public long ReserveBytes { get; set; } = 1L << 30;
}

public sealed record PoolStatus : StoredRecord
{
    public required bool Available { get; init; }
    public long TotalBytes { get; init; }
    public long FreeBytes { get; init; }

    /// <summary>Sum of the sizes that guests see.</summary>
    public long ProvisionedBytes { get; init; }

    /// <summary>What disks, images, ISOs and uploads really occupy.</summary>
    public long AllocatedBytes { get; init; }
    public Failure? Failure { get; init; }
}
