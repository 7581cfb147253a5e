using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>Body of <c>POST /v1/vms/{vm}/migrate</c>.</summary>
public sealed record VmMigrate
{
    /// <summary>Name or id of the host to go to.</summary>
    public required string To { get; init; }

    /// <summary>Disks that the other host cannot reach go along.</summary>
    public bool WithStorage { get; init; }

    /// <summary>The pool for disks that go along; null: the one there of the same name, else the default one.</summary>
    public string? Pool { get; init; }

    /// <summary>Most that is sent a second; null: as much as the link carries.</summary>
    public long? MaxBytesPerSecond { get; init; }

    /// <summary>Only while it does not run: one that runs is refused.</summary>
    public bool Offline { get; init; }

    /// <summary>
    /// A guest that writes faster than the link carries may run on at the other host before all of its memory is there. It always comes to an end, but a link or
    /// host that is lost for good meanwhile takes the guest's memory with it: it starts anew from its disks then.
    /// </summary>
    public bool AllowPostCopy { get; init; }

    /// <summary>For how long its memory may be sent; then post-copy begins if it is allowed, else it is given up. Null: by the size of the memory and the speed of the link.</summary>
    public int? TimeoutSeconds { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{vm}/take-over</c>.</summary>
public sealed record VmTakeOver
{
    /// <summary>Name or id of the host that is dead.</summary>
    public required string From { get; init; }

    /// <summary>Name or id of the host to give it to; null: the best one.</summary>
    public string? To { get; init; }

    /// <summary>The caller's word, which is recorded, that <see cref="From"/> is off or cut from its disks, and runs no guest. Not needed when it was given before.</summary>
    public bool IKnowItIsDead { get; init; }
}

/// <summary>The answer to <c>POST /v1/vms/{vm}/migrate/forecast</c>, which takes the same body and does nothing.</summary>
public sealed record MigrationForecast
{
    /// <summary>Name of the host that has the VM.</summary>
    public required string From { get; init; }

    /// <summary>Name of the host to go to.</summary>
    public required string To { get; init; }
    public required HandoverKind Kind { get; init; }

    /// <summary>Connections that its memory is sent over; 0: it does not run.</summary>
    public int Streams { get; init; }

    /// <summary>The address of the other host that it is sent to; null: the one it has in its cluster.</summary>
    public string? Address { get; init; }

    /// <summary>Most that is sent a second, by the request or by the settings; null: as much as the link carries.</summary>
    public long? MaxBytesPerSecond { get; init; }

    /// <summary>Everything that stands in the way; empty: it can go.</summary>
    public required IReadOnlyList<Failure> Blockers { get; init; }

    /// <summary>Disks that go along.</summary>
    public IReadOnlyList<HandoverDisk> Disks { get; set; } = [];
}

[JsonConverter(typeof(CamelCaseEnum<HandoverPhase>))]
public enum HandoverPhase
{
    /// <summary>The VM is the source's still.</summary>
    Prepared,

    /// <summary>The VM is the target's.</summary>
    Committed,

    /// <summary>The VM stays the source's, whatever the target has.</summary>
    Aborted,

    /// <summary>The target could not let it run and has given it back.</summary>
    HandedBack,
}

[JsonConverter(typeof(CamelCaseEnum<HandoverKind>))]
public enum HandoverKind
{
    /// <summary>The guest goes on running, or stays paused.</summary>
    Live,

    /// <summary>It has no process: who has it changes, and where its disks lie.</summary>
    Cold,
}

/// <summary>
/// One VM on its way from one host to another. Key <c>vms/&lt;id&gt;/handover</c>: created absent, so that there is one at a time; its phase is decided by
/// transactions that compare its revision, so that of abort and commit one wins. While it is there, nothing else is done with the VM on either host.
/// </summary>
public sealed record VmHandover : StoredRecord
{
    /// <summary>Of this attempt: what either host has from another one is not of this.</summary>
    public required string Nonce { get; init; }

    /// <summary>The operation that shows it, carried out by the source.</summary>
    public required string Operation { get; init; }

    /// <summary>Id of the host that has the VM.</summary>
    public required string From { get; init; }

    /// <summary>Id of the host that shall have it.</summary>
    public required string To { get; init; }
    public HandoverPhase Phase { get; init; }

    /// <summary>The VM's at the source. The target's is one more, that after a hand-back two more.</summary>
    public required long Epoch { get; init; }
    public HandoverKind Kind { get; init; }

    /// <summary>The guest stands still by somebody's wish, and does so on either host.</summary>
    public bool Paused { get; init; }

    /// <summary>Post-copy is allowed; whether it comes to it shows on the way.</summary>
    public bool PostCopy { get; init; }
    public long? MaxBytesPerSecond { get; init; }

    /// <summary>For how long its memory may be sent before post-copy begins or it is given up; null: by its size and the link's speed.</summary>
    public int? TimeoutSeconds { get; init; }

    /// <summary>Connections for its memory. What was prepared before this was chosen has two.</summary>
    public int Streams { get; set; } = 2;

    /// <summary>Where the target listens; null: at its address in the cluster.</summary>
    public string? Address { get; init; }
    public DateTimeOffset PreparedAt { get; init; }

    /// <summary>Disks that go along, with the pools that they leave and enter; empty: the target reaches all that the VM has.</summary>
    public IReadOnlyList<HandoverDisk> Disks { get; set; } = [];

    /// <summary>Its own files go along too; null: the target reaches them, or there are none that matter.</summary>
    public HandoverHome? Home { get; init; }

    /// <summary>Why it was given up.</summary>
    public Failure? Failure { get; init; }
}

/// <summary>Where the VM's own files are and go: firmware variables, TPM, memories.</summary>
public sealed record HandoverHome : RecordPart
{
    /// <summary>Id of the pool that they leave.</summary>
    public required string From { get; init; }

    /// <summary>Id of the pool that they enter.</summary>
    public required string To { get; init; }
}

/// <summary>A disk that goes along.</summary>
public sealed record HandoverDisk : RecordPart
{
    public required string Disk { get; init; }

    /// <summary>Id of the pool that it leaves.</summary>
    public required string From { get; init; }

    /// <summary>Id of the pool that it enters.</summary>
    public required string To { get; init; }
    public long SizeBytes { get; init; }

    /// <summary>As it was at the source, written with the commit, for a hand-back.</summary>
    public DiskSpec? Spec { get; init; }

    /// <summary>As <see cref="Spec"/>.</summary>
    public DiskStatus? Status { get; init; }
}

/// <summary>The source's word on a hand-over. Key <c>vms/&lt;id&gt;/handover-source</c>, written by the source only.</summary>
public sealed record HandoverSource : StoredRecord
{
    public required string Nonce { get; init; }

    /// <summary>What the guest runs with, as the engine records it: the target's machine is made from this, never from the spec.</summary>
    public byte[]? Definition { get; init; }

    /// <summary>Everything is over: QEMU says <c>completed</c>, or at a cold one, nothing runs. From here on the source never goes on by itself.</summary>
    public bool Completed { get; init; }

    /// <summary>Post-copy: it stands just before the switch, its mirrors are ended, and the target may have it.</summary>
    public bool AtSwitch { get; init; }

    /// <summary>Post-copy that went wrong after the commit: its process has ended, and the target may start from disk.</summary>
    public bool Ended { get; init; }

    /// <summary>Post-copy that failed in the switch, after the commit: the guest stands still here, whole, and waits to be given back.</summary>
    public bool Failed { get; init; }

    /// <summary>How often post-copy has stood still on a broken link: the target is to listen anew for the last of them.</summary>
    public int Breaks { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<HandoverTargetState>))]
public enum HandoverTargetState
{
    /// <summary>QEMU waits for the guest's memory.</summary>
    Listening,

    /// <summary>It could not be made, or has ended.</summary>
    Failed,

    /// <summary>After post-copy: all of the guest is here, and nothing more of the source is needed.</summary>
    Whole,
}

/// <summary>The target's word on a hand-over. Key <c>vms/&lt;id&gt;/handover-target</c>, written by the target only.</summary>
public sealed record HandoverTarget : StoredRecord
{
    public required string Nonce { get; init; }
    public required HandoverTargetState State { get; init; }

    /// <summary>Where the source sends to.</summary>
    public string? Address { get; init; }
    public int Port { get; init; }

    /// <summary>Where disks are mirrored to; 0: none goes along.</summary>
    public int DiskPort { get; init; }

    /// <summary>Id of the secret with the source's side of the one-time certificates; null: not encrypted.</summary>
    public string? Secret { get; init; }

    /// <summary>For which of the source's <see cref="HandoverSource.Breaks"/> it listens at <see cref="Port"/>.</summary>
    public int Recoveries { get; init; }
    public Failure? Failure { get; init; }
}

/// <summary>Key <c>settings/migration</c>: what holds for all migrations of the installation.</summary>
public sealed record MigrationSettings : StoredRecord
{
    /// <summary>Guests are sent to the address that the other host has in this network, such as <c>10.9.0.0/24</c>; null: to its address in the cluster.</summary>
    public string? Network { get; init; }

    /// <summary>Most that one migration sends a second unless it says otherwise; null: as much as the link carries.</summary>
    public long? MaxBytesPerSecond { get; init; }

    /// <summary>How long a guest in post-copy may wait for a broken link to come back before its memory is given up; null: 5 minutes.</summary>
    public int? PostCopyPatienceSeconds { get; init; }
}

/// <summary>Body of <c>PATCH /v1/migration</c> (RFC 7396; null takes a member back to its default).</summary>
public sealed record MigrationSettingsUpdate
{
    public string? Network { get; init; }
    public long? MaxBytesPerSecond { get; init; }
    public int? PostCopyPatienceSeconds { get; init; }
}
