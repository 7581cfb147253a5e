using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>A long job, as <c>GET /v1/operations/{id}</c> gives it.</summary>
public sealed record Operation
{
    public required string Id { get; init; }
    public required string Project { get; init; }
    public required OperationRequest Request { get; init; }
    public OperationState? State { get; init; }
}

/// <summary>Key <c>operations/&lt;id&gt;/request</c>, written by the API only.</summary>
public sealed record OperationRequest : ProjectRecord
{
    /// <summary>Noun and verb, for example <c>vm.start</c>, <c>image.build</c>.</summary>
    public required string Kind { get; init; }
    public required ObjectReference Target { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who asked: <c>user:admin</c>, <c>token:ci</c>, <c>local:0</c>, <c>system</c>.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>The request that asked, for the log.</summary>
    public string? RequestId { get; init; }

    /// <summary>The host that carries it out.</summary>
    public string? Host { get; init; }

    /// <summary>What the verb needs beside the spec; no secrets.</summary>
    public JsonObject? Parameters { get; init; }

    /// <summary>What was taken as asked for, but is likely not what is meant: memory below the guest system's minimum, and such.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];
    public bool CancelRequested { get; init; }

    /// <summary>Keys of names, MACs and addresses that were taken for what it makes; given back with its end unless that is success.</summary>
    public IReadOnlyList<string> Claims { get; set; } = [];
}

[JsonConverter(typeof(CamelCaseEnum<OperationPhase>))]
public enum OperationPhase
{
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>Key <c>operations/&lt;id&gt;/state</c>, written by its executor only.</summary>
public sealed record OperationState : StoredRecord
{
    public required OperationPhase Phase { get; init; }

    /// <summary>Id of the host that carries it out; another one finds this and lets go.</summary>
    public string? Host { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>0–100; null when it cannot be told.</summary>
    public int? ProgressPercent { get; init; }

    /// <summary>What it is doing now, in words.</summary>
    public string? Message { get; init; }
    public bool Cancellable { get; init; }
    public long? Epoch { get; init; }
    public long? Run { get; init; }

    /// <summary>Steps that must not happen twice, recorded before they start.</summary>
    public IReadOnlyList<string> Steps { get; set; } = [];

    /// <summary>The last lines of what it did, at most 200.</summary>
    public IReadOnlyList<string> Log { get; set; } = [];
    public Failure? Failure { get; init; }
    public JsonObject? Result { get; init; }

    /// <summary>How far what it sends has come; null: it sends nothing, or has not begun to.</summary>
    public OperationTransfer? Transfer { get; init; }
}

/// <summary>What an operation sends to another host, as of its last report.</summary>
public sealed record OperationTransfer : RecordPart
{
    public long TransferredBytes { get; init; }

    /// <summary>Left to send in this pass.</summary>
    public long RemainingBytes { get; init; }
    public long BytesPerSecond { get; init; }

    /// <summary>How fast the guest writes anew what was sent.</summary>
    public long DirtyBytesPerSecond { get; init; }

    /// <summary>How often the memory was looked through; the first is 1.</summary>
    public long Passes { get; init; }

    /// <summary>How much of its time is taken from the guest so that it writes less; 0: none.</summary>
    public int ThrottlePercent { get; init; }

    /// <summary>When it should be over, as of the report; null: it cannot be told.</summary>
    public int? RemainingSeconds { get; init; }

    /// <summary>The guest runs at the other host already, and the rest of its memory follows.</summary>
    public bool PostCopy { get; init; }
}
