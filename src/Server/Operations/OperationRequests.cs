using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Operations;

/// <summary>A long job asked for.</summary>
internal sealed record OperationDraft
{
    /// <summary>Noun and verb: <c>vm.start</c>.</summary>
    public required string Kind { get; init; }
    public required ObjectReference Target { get; init; }

    /// <summary>Subject of the caller, or <c>system</c>.</summary>
    public required string RequestedBy { get; init; }
    public string Project { get; init; } = ProjectRecord.DefaultProject;

    /// <summary>Id of the host that carries it out; null: this one.</summary>
    public string? Host { get; init; }

    /// <summary>What the verb needs beside the spec; no secrets.</summary>
    public JsonObject? Parameters { get; init; }

    /// <summary>Keys that the same change takes for what the operation makes; given back with its end unless that is success.</summary>
    public IReadOnlyList<string> Claims { get; init; } = [];

    /// <summary>What was taken as asked for, but is likely not meant.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>Begins operations in the transaction of the change that asks for them.</summary>
internal sealed class OperationRequests(TimeProvider time)
{
    /// <summary>Adds <c>operations/&lt;id&gt;/request</c> to the change, and gives the operation as the 202 answer shows it.</summary>
    public Operation Add(StoreChange change, OperationDraft draft)
    {
        string id = Guid.CreateVersion7(time.GetUtcNow()).ToString();
        var request = new OperationRequest
        {
            Kind = draft.Kind,
            Target = draft.Target,
            Project = draft.Project,
            CreatedAt = time.GetUtcNow(),
            RequestedBy = draft.RequestedBy,
            RequestId = RequestIds.Current,
            Host = draft.Host,
            Parameters = draft.Parameters,
            Claims = draft.Claims,
            Warnings = draft.Warnings,
        };
        change.Create(Keys.Operations.Request, id, request);
        return OperationViews.Of(id, request, null);
    }
}
