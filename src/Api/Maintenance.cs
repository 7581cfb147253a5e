using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>A host is kept empty. Part of <see cref="HostSpec"/>.</summary>
public sealed record HostMaintenance : RecordPart
{
    public required DateTimeOffset Since { get; init; }

    /// <summary>For people.</summary>
    public string? Reason { get; init; }

    /// <summary>The operation that empties the host, or has.</summary>
    public required string Operation { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<HostMaintenanceAction>))]
public enum HostMaintenanceAction
{
    /// <summary>No VM is placed there any more, and those that are there leave.</summary>
    Enter,

    /// <summary>It takes VMs again, and those that left for it come back.</summary>
    Exit,
}

/// <summary>Body of <c>POST /v1/hosts/{host}/maintenance</c>.</summary>
public sealed record HostMaintenanceRequest
{
    public required HostMaintenanceAction Action { get; init; }

    /// <summary>For people, at the entry.</summary>
    public string? Reason { get; init; }

    /// <summary>At the entry: disks that no other host reaches go along.</summary>
    public bool WithStorage { get; init; }

    /// <summary>At the entry: VMs that cannot go stay, and nothing is refused on their account.</summary>
    public bool SkipBlocked { get; init; }

    /// <summary>At the exit: the VMs that left stay where they are.</summary>
    public bool NoReturn { get; init; }
}

/// <summary>Body of <c>POST /v1/hosts/{host}/evacuate</c>.</summary>
public sealed record HostEvacuate
{
    /// <summary>Disks that no other host reaches go along.</summary>
    public bool WithStorage { get; init; }

    /// <summary>VMs that cannot go stay, and nothing is refused on their account.</summary>
    public bool SkipBlocked { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<HostPowerAction>))]
public enum HostPowerAction
{
    Reboot,
    Shutdown,
}

/// <summary>Body of <c>POST /v1/hosts/{host}/power</c>: the machine itself, once it is empty.</summary>
public sealed record HostPowerRequest
{
    public required HostPowerAction Action { get; init; }

    /// <summary>Disks that no other host reaches go along.</summary>
    public bool WithStorage { get; init; }

    /// <summary>Guests that cannot go are asked to power off; else their being there refuses it.</summary>
    public bool StopGuests { get; init; }
}

/// <summary>What emptying a host would do, as <c>GET /v1/hosts/{host}/evacuation</c> gives it.</summary>
public sealed record EvacuationForecast
{
    /// <summary>Name of the host.</summary>
    public required string Host { get; init; }

    /// <summary>Guests that run and cannot go, with everything that stands in the way.</summary>
    public required IReadOnlyList<EvacuatedVm> Blocked { get; init; }

    /// <summary>Where the others go.</summary>
    public required IReadOnlyList<EvacuatedVm> Moves { get; init; }

    /// <summary>VMs that do not run and stay, since what they need is only there.</summary>
    public required IReadOnlyList<EvacuatedVm> Staying { get; init; }

    /// <summary>What is to be sent at least.</summary>
    public long Bytes { get; init; }

    /// <summary>How long it takes, by what the links have carried; null: none has been measured yet.</summary>
    public double? Seconds { get; init; }
    public DateTimeOffset? PredictedEnd { get; init; }
}

/// <summary>A VM in an <see cref="EvacuationForecast"/>.</summary>
public sealed record EvacuatedVm
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }

    /// <summary>Name of the host that it goes to; null: none takes it.</summary>
    public string? To { get; init; }

    /// <summary>Its guest runs on while it goes.</summary>
    public bool Live { get; init; }

    /// <summary>What is to be sent at least.</summary>
    public long Bytes { get; init; }

    /// <summary>Why it cannot go now.</summary>
    public IReadOnlyList<Failure> Reasons { get; set; } = [];
}

/// <summary>
/// That a VM has left its host for another, and on whose account. Key <c>vms/&lt;id&gt;/departure</c>, written by the leader in the transaction that begins the
/// migration: by it the next leader knows what was begun and how often.
/// </summary>
public sealed record VmDeparture : StoredRecord
{
    /// <summary>The operation on whose account it goes.</summary>
    public required string Operation { get; init; }

    /// <summary>The migration that was begun last.</summary>
    public required string Migration { get; init; }

    /// <summary>Id of the host that it leaves.</summary>
    public required string From { get; init; }

    /// <summary>Id of the host that it goes to.</summary>
    public required string To { get; init; }

    /// <summary>How often it was begun for this operation.</summary>
    public required int Attempts { get; init; }

    /// <summary>Id of the host that it goes back to at the end of the maintenance there; null: it does not.</summary>
    public string? Home { get; init; }
}

/// <summary>One host's part of the answer of <c>GET /v1/vms/{vm}/mobility</c>.</summary>
public sealed record VmMobility
{
    public required string Host { get; init; }
    public required string HostName { get; init; }

    /// <summary>The host that has it.</summary>
    public bool IsHere { get; init; }

    /// <summary>It can go there now, its disks staying where they are.</summary>
    public bool CanGo { get; init; }

    /// <summary>It can go there now if its disks go along.</summary>
    public bool CanGoWithStorage { get; init; }

    /// <summary>Its guest would run on meanwhile.</summary>
    public bool Live { get; init; }

    /// <summary>Everything that stands in the way; with its disks going along where only that helps.</summary>
    public IReadOnlyList<Failure> Reasons { get; set; } = [];

    /// <summary>How long it would take, by what the links have carried; null: none has been measured yet, or it cannot go.</summary>
    public double? Seconds { get; init; }

    /// <summary>What does not survive it, in words.</summary>
    public IReadOnlyList<string> Loses { get; set; } = [];
}

/// <summary>
/// What a host does, on the mean of some minutes. Key <c>hosts/&lt;id&gt;/load</c>, written by that host when it has changed by something, and never while it is alone.
/// </summary>
public sealed record HostLoad : StoredRecord
{
    public required DateTimeOffset At { get; init; }

    /// <summary>Over how much time the means are taken by now; little after a start of the daemon.</summary>
    public required int Seconds { get; init; }

    /// <summary>Of all cores: 100 is every one of them, all the time.</summary>
    public double CpuPercent { get; init; }
    public long MemoryBytes { get; init; }
    public long MemoryUsedBytes { get; init; }

    /// <summary>Part of the time in which some task waited for it (PSI); null: this kernel does not tell.</summary>
    public double? PressureCpuPercent { get; init; }
    public double? PressureMemoryPercent { get; init; }

    /// <summary>The busiest of its VMs, by their ids.</summary>
    public IReadOnlyDictionary<string, VmLoad> Vms { get; set; } = new Dictionary<string, VmLoad>(StringComparer.Ordinal);
}

/// <summary>What one VM does, in <see cref="HostLoad"/>.</summary>
public sealed record VmLoad : RecordPart
{
    /// <summary>100 is one whole core.</summary>
    public double CpuPercent { get; init; }

    /// <summary>Of its memory, what takes up memory of the host: what a migration has to send.</summary>
    public long ResidentBytes { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<BalanceMode>))]
public enum BalanceMode
{
    /// <summary>Nothing is looked at.</summary>
    Off,

    /// <summary>Moves that are worthwhile are shown.</summary>
    Advise,

    /// <summary>They are carried out.</summary>
    Auto,
}

/// <summary>Answer of <c>GET /v1/placement/balance</c>.</summary>
public sealed record BalanceReport
{
    public required BalanceMode Mode { get; init; }

    /// <summary>Worthwhile moves, the most worthwhile first; few of them.</summary>
    public required IReadOnlyList<BalanceMove> Moves { get; init; }

    /// <summary>Why there are no more.</summary>
    public required string Reason { get; init; }
    public required IReadOnlyList<BalanceHost> Hosts { get; init; }
}

/// <summary>How much a host has to do, in a <see cref="BalanceReport"/>.</summary>
public sealed record BalanceHost
{
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>Of CPU and memory, what is used most; 100 is all of it. Null: it has not told long enough.</summary>
    public double? LoadPercent { get; init; }
    public double? CpuPercent { get; init; }
    public double? MemoryPercent { get; init; }
    public double? PressureCpuPercent { get; init; }
    public double? PressureMemoryPercent { get; init; }
}

/// <summary>A move that evens out the load of hosts.</summary>
public sealed record BalanceMove
{
    public required string Vm { get; init; }
    public required string VmName { get; init; }
    public required string Project { get; init; }
    public required string From { get; init; }
    public required string FromName { get; init; }
    public required string To { get; init; }
    public required string ToName { get; init; }

    /// <summary>For people.</summary>
    public required string Reason { get; init; }
}
