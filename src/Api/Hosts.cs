using System.Text.Json.Serialization;

namespace Lamina.Api;

public sealed record Host
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required HostSpec Spec { get; init; }
    public HostStatus? Status { get; init; }

    /// <summary>Since when its daemon holds its lease in the store; null: it does not, and how its guests are is not known.</summary>
    public DateTimeOffset? LiveSince { get; init; }

    /// <summary>Its controllers decide for all hosts.</summary>
    public bool IsLeader { get; init; }

    /// <summary>How busy it was lately; null: not told yet, or it is alone.</summary>
    public HostLoad? Load { get; init; }

    /// <summary>The evidence that it runs nothing any more; null: there is none, or it has come back.</summary>
    public HostDeath? Death { get; init; }

    /// <summary>What it is among the others: <c>leader</c>, <c>voter</c>, <c>client</c>, <c>witness</c>. Of a host alone: <c>leader</c>.</summary>
    public IReadOnlyList<string> Roles { get; set; } = [];

    /// <summary>Since when its daemon is missed; null: it lives, or has not been missed for long.</summary>
    public DateTimeOffset? UnreachableSince { get; init; }

    /// <summary>How far its clock is off; null: no more than is allowed, or nobody has measured it.</summary>
    public HostClockSkew? Clock { get; init; }

    /// <summary>What it can take, and why not; null: not told here (<c>/v1/watch</c>).</summary>
    public HostFitness? Fitness { get; init; }
}

/// <summary>Whether a host takes VMs, as placement sees it.</summary>
public sealed record HostFitness
{
    public bool TakesVms { get; init; }

    /// <summary>Why it takes none; empty: it does.</summary>
    public required IReadOnlyList<Failure> Reasons { get; init; }

    /// <summary>What does not keep it from taking VMs, and is to be known, in words.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Of its memory, so much may be promised to running VMs; null: it has not told what it has.</summary>
    public long? CapacityMiB { get; init; }

    /// <summary>So much is.</summary>
    public long? PromisedMiB { get; init; }

    /// <summary>vCPUs of the VMs that run or shall run there.</summary>
    public int? PromisedCpus { get; init; }
}

public sealed record HostSpec : StoredRecord
{
    public required string Name { get; init; }

    /// <summary>How its memory is used; changed by the API.</summary>
    public HostMemoryPolicy Memory { get; set; } = new();

    /// <summary>Where it is reached in its cluster; null: it is alone.</summary>
    public HostAddresses? Addresses { get; init; }

    /// <summary>A voter of the cluster's store that runs no VM.</summary>
    public bool Witness { get; init; }

    /// <summary>It is kept empty; null: it takes VMs.</summary>
    public HostMaintenance? Maintenance { get; init; }
}

/// <summary>Where the other hosts of the cluster reach this one.</summary>
public sealed record HostAddresses : RecordPart
{
    /// <summary>Address and port of the public API: <c>10.0.0.1:7443</c>.</summary>
    public required string Api { get; init; }

    /// <summary>Address and port for the other hosts, with mutual TLS: <c>10.0.0.1:7444</c>.</summary>
    public required string Peer { get; init; }

    /// <summary>Address that migrations are sent to.</summary>
    public required string Migration { get; init; }
}

/// <summary>An address that a host has.</summary>
public sealed record HostLink : RecordPart
{
    public required string Address { get; init; }

    /// <summary>Of the link, in 10⁶ bits a second; null: it does not say.</summary>
    public long? Megabits { get; init; }
}

/// <summary>Key <c>hosts/&lt;id&gt;/status</c>, written by that host.</summary>
public sealed record HostStatus : StoredRecord
{
    /// <summary>Boot id and a nonce of the daemon's data: two live hosts with one identity differ here.</summary>
    public required string Incarnation { get; init; }
    public required string BootId { get; init; }
    public required string DaemonVersion { get; init; }
    public string? QemuVersion { get; init; }
    public string? KernelVersion { get; init; }
    public string? CpuModel { get; init; }
    public int Cores { get; init; }
    public long MemoryMiB { get; init; }
    public Accelerator? Accelerator { get; init; }

    /// <summary>CPU model that new VMs get here.</summary>
    public string? DefaultCpuModel { get; init; }
    public string? DefaultMachineType { get; init; }

    /// <summary>Versioned CPU models that it offers whole.</summary>
    public IReadOnlyList<string> CpuModels { get; set; } = [];

    /// <summary>Machine types that its QEMU knows.</summary>
    public IReadOnlyList<string> MachineTypes { get; set; } = [];

    /// <summary>Its addresses, and how fast the links are that have them; empty: its daemon is of a version that does not tell.</summary>
    public IReadOnlyList<HostLink> Links { get; set; } = [];

    /// <summary>Why no guest can come here in post-copy; null: nothing is in the way.</summary>
    public Failure? PostCopyProblem { get; init; }
    public Failure? Failure { get; init; }
}

/// <summary>That a host's clock is off. Key <c>hosts/&lt;id&gt;/clock</c>, written by the leader, which asks all live hosts what time it is; absent: it is right.</summary>
public sealed record HostClockSkew : StoredRecord
{
    /// <summary>Milliseconds before most of the other hosts' clocks; negative: behind them.</summary>
    public required long AheadMs { get; init; }

    /// <summary>When that was seen first, by the leader's clock.</summary>
    public required DateTimeOffset Since { get; init; }
}

/// <summary>What it is known by that a host runs no guest any more.</summary>
[JsonConverter(typeof(CamelCaseEnum<HostDeathEvidence>))]
public enum HostDeathEvidence
{
    /// <summary>A person has said so, and answers for it.</summary>
    Word,
}

/// <summary>
/// That a host runs no guest any more, so that its VMs may be given to others. Key <c>hosts/&lt;id&gt;/death</c>. It is about one life of the host: it goes when
/// the host's daemon lives again, and counts in no other incarnation of the host and in no other generation of the store.
/// </summary>
public sealed record HostDeath : StoredRecord
{
    public required HostDeathEvidence Evidence { get; init; }

    /// <summary>Whose word it is: <c>user:admin</c>.</summary>
    public required string By { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>The host's when it fell silent; null: it had never told any.</summary>
    public string? Incarnation { get; init; }

    /// <summary>Of the store: word from before a restore is not word on what was restored.</summary>
    public required long Generation { get; init; }
}
