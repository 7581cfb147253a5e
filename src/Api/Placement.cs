using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>A placement rule as <c>GET /v1/placement-rules/{rule}</c> gives it.</summary>
public sealed record PlacementRule
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required PlacementRuleSpec Spec { get; init; }

    /// <summary>Ids of the VMs that it covers now: those named, and those that bear one of its tags.</summary>
    public IReadOnlyList<string> Covers { get; set; } = [];
}

[JsonConverter(typeof(CamelCaseEnum<PlacementRuleKind>))]
public enum PlacementRuleKind
{
    /// <summary>No two of the VMs on one host.</summary>
    Apart,

    /// <summary>All of the VMs on one host.</summary>
    Together,

    /// <summary>The VMs on these hosts only.</summary>
    OnHosts,

    /// <summary>The VMs on any host but these.</summary>
    NotOnHosts,
}

/// <summary>Key <c>placementrules/&lt;id&gt;</c>. Which hosts VMs may or should run on.</summary>
public sealed record PlacementRuleSpec : ProjectRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public required PlacementRuleKind Kind { get; init; }

    /// <summary>Ids of VMs.</summary>
    public IReadOnlyList<string> Vms { get; set; } = [];

    /// <summary>VMs of the project that bear one of these tags are covered too, also those that come later.</summary>
    public IReadOnlyList<string> Tags { get; set; } = [];

    /// <summary>Ids of hosts; for the two kinds that name hosts.</summary>
    public IReadOnlyList<string> Hosts { get; set; } = [];

    /// <summary>It is wished for and not demanded: a VM starts elsewhere rather than not at all.</summary>
    public bool Preferred { get; init; }
    public string? Notes { get; init; }
}

/// <summary>Body of <c>POST /v1/placement-rules</c>. VMs and hosts are named by name or id.</summary>
public sealed record PlacementRuleCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }
    public required PlacementRuleKind Kind { get; init; }
    public IReadOnlyList<string>? Vms { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }
    public IReadOnlyList<string>? Hosts { get; init; }
    public bool? Preferred { get; init; }
    public string? Notes { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<PlacementStrategy>))]
public enum PlacementStrategy
{
    /// <summary>The host with most room left: load is even, and each guest has most to spare.</summary>
    Balance,

    /// <summary>The fullest host that has room: others stay empty, for large VMs or to be switched off.</summary>
    Pack,
}

/// <summary>Key <c>settings/placement</c>: what holds for the whole installation.</summary>
public sealed record PlacementSettings : StoredRecord
{
    public PlacementStrategy Strategy { get; init; }

    /// <summary>The CPU model that new VMs get; null: the newest that every host offers whole.</summary>
    public string? CpuModel { get; init; }

    /// <summary>Whether VMs move to even out the load of hosts.</summary>
    public BalanceMode Balance { get; set; } = BalanceMode.Advise;
}

/// <summary>Body of <c>PATCH /v1/placement</c> (RFC 7396; null takes a member back to its default).</summary>
public sealed record PlacementSettingsUpdate
{
    public PlacementStrategy? Strategy { get; init; }
    public string? CpuModel { get; init; }
    public BalanceMode? Balance { get; init; }
}

/// <summary>What <c>GET /v1/placement</c> gives.</summary>
public sealed record PlacementReport
{
    public required PlacementSettings Settings { get; init; }

    /// <summary>What new VMs get, and why; null: no host has told yet what it offers.</summary>
    public CpuBaseline? Baseline { get; init; }
}

/// <summary>The CPU that guests see so that they can run on every host.</summary>
public sealed record CpuBaseline
{
    public required string Model { get; init; }
    public required string Reason { get; init; }
}

/// <summary>Why a VM is where it is, as it was decided then; kept with its assignment.</summary>
public sealed record PlacementWhy : RecordPart
{
    /// <summary>For people: what decided between the hosts that could have taken it.</summary>
    public required string Reason { get; init; }
    public int Hosts { get; init; }

    /// <summary>How many hosts each filter turned away: <c>{"placement.memory": 3}</c>.</summary>
    public IReadOnlyDictionary<string, int> Rejected { get; set; } = new Dictionary<string, int>(StringComparer.Ordinal);
}

/// <summary>One host's answer to the question whether it could take a VM, of <c>GET /v1/vms/{vm}/placement</c>.</summary>
public sealed record PlacementOpinion
{
    public required string Host { get; init; }
    public required string HostName { get; init; }

    /// <summary>It could run there now.</summary>
    public required bool Fits { get; init; }

    /// <summary>The host it is assigned to.</summary>
    public bool IsHere { get; init; }

    /// <summary>Of hosts that fit: the greater, the better.</summary>
    public int? Score { get; init; }

    /// <summary>What it would take of this host's memory while it runs: the guest's, and what QEMU needs beside.</summary>
    public int NeededMiB { get; init; }

    /// <summary>What of this host's memory is not yet promised to others.</summary>
    public int FreeMiB { get; init; }

    /// <summary>Everything that speaks against it.</summary>
    public IReadOnlyList<Failure> Reasons { get; set; } = [];
}
