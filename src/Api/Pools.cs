using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>Where disks live.</summary>
public sealed record Pool
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required PoolSpec Spec { get; init; }
    public PoolStatus? Status { get; init; }

    /// <summary>Of a shared pool: how each host finds it.</summary>
    public IReadOnlyList<PoolOnHost> Hosts { get; set; } = [];
}

/// <summary>A shared pool as one host finds it.</summary>
public sealed record PoolOnHost
{
    public required string Host { get; init; }
    public required string HostName { get; init; }
    public required PoolHostStatus Status { get; init; }
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

/// <summary>Who has a pool.</summary>
[JsonConverter(typeof(CamelCaseEnum<PoolScope>))]
public enum PoolScope
{
    /// <summary>One host: a folder of its own disks.</summary>
    Host,

    /// <summary>Every host that has mounted it at the pool's path.</summary>
    Shared,
}

public sealed record PoolSpec : StoredRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public PoolKind Kind { get; init; }
    public required string Path { get; init; }
    public PoolScope Scope { get; init; }

    /// <summary>Id of the host that has it; null: it is shared, or it is from before there could be several hosts.</summary>
    public string? Host { get; init; }

    /// <summary>What names no pool goes there, of what its host makes.</summary>
    public bool IsDefault { get; init; }
    public PoolWall Wall { get; set; } = PoolWall.Host;

    /// <summary>Kept free for the host: new disks, images and uploads are refused below it.</summary>
    public long ReserveBytes { get; set; } = 1L << 30;

    /// <summary>How much may be promised to guests, in percent of the pool's size; null: without bound.</summary>
    public int? OverProvisionPercent { get; init; }
    public string? Notes { get; init; }

    /// <summary>The folder bears a mark with this pool's id, and is the pool only as long as it does.</summary>
    public bool Marked { get; init; }

    /// <summary>The operation that deletes it.</summary>
    public string? Deleting { get; init; }
}

/// <summary>Body of <c>POST /v1/pools</c>.</summary>
public sealed record PoolCreate
{
    public required string Name { get; init; }

    /// <summary>An absolute path; the folder is made when only it is missing, and must be empty.</summary>
    public required string Path { get; init; }

    /// <summary>Several hosts have mounted it at this path, all of the same file system.</summary>
    public bool Shared { get; init; }

    /// <summary>Name or id of the host whose folder it is; of a shared one: that marks it. Null: the host that is asked.</summary>
    public string? Host { get; init; }

    /// <summary>Null: 1 GiB, of small file systems a twentieth.</summary>
    public long? ReserveBytes { get; init; }
    public int? OverProvisionPercent { get; init; }
    public string? Notes { get; init; }
}

/// <summary>Body of <c>PATCH /v1/pools/{id}</c> (RFC 7396; null takes a member back to its default).</summary>
public sealed record PoolUpdate
{
    public long? ReserveBytes { get; init; }
    public int? OverProvisionPercent { get; init; }
    public string? Notes { get; init; }
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

    /// <summary>Of a shared pool: who keeps a second host from writing the same disk, as the hosts have found by trying; null: as the spec says.</summary>
    public PoolWall? Wall { get; init; }

    /// <summary>Kind of the file system: <c>ext4</c>, <c>nfs4 (4.2)</c>.</summary>
    public string? FileSystem { get; init; }

    /// <summary>Whether files can be read and written past the host's cache (O_DIRECT).</summary>
    public bool DirectIo { get; init; }
    public Failure? Failure { get; init; }
}

/// <summary>Key <c>pools/&lt;id&gt;/hosts/&lt;host&gt;</c>, written by that host: how it finds a shared pool.</summary>
public sealed record PoolHostStatus : StoredRecord
{
    public required bool Available { get; init; }

    /// <summary>Content of the file that this host has written into the pool and holds locked: who reads it there sees the same folder.</summary>
    public required string Nonce { get; init; }

    /// <summary>Ids of the hosts whose file was read here with the content that they say.</summary>
    public IReadOnlyList<string> Sees { get; set; } = [];

    /// <summary>Ids of the hosts whose lock kept this one out: what QEMU locks there is locked here too.</summary>
    public IReadOnlyList<string> LockedOutBy { get; set; } = [];

    /// <summary>Ids of the hosts whose lock did not: two hosts could write one disk.</summary>
    public IReadOnlyList<string> NotLockedOutBy { get; set; } = [];
    public string? FileSystem { get; init; }
    public Failure? Failure { get; init; }
}
