using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Events;

/// <summary>What to tell people in the timeline; the log adds id, time and host.</summary>
internal sealed record EventDraft
{
    /// <summary>Noun and past tense: <c>vm.started</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>A whole sentence that names the object.</summary>
    public required string Message { get; init; }
    public EventSeverity Severity { get; init; }
    public ObjectReference? Target { get; init; }

    /// <summary>Null: it concerns the whole installation.</summary>
    public string? Project { get; init; }
    public string? Operation { get; init; }
    public long? Epoch { get; init; }
    public long? Run { get; init; }
}

/// <summary>Writes the timeline: each event in the transaction of its change, so that neither is without the other.</summary>
/// <param name="time">Wall time, for people.</param>
/// <param name="host">Name of this host.</param>
internal sealed class EventLog(TimeProvider time, string host)
{
    /// <summary>The project of events that concern the whole installation.</summary>
    public const string Installation = "-";

    private readonly TimeOrderedId _ids = new(time);

    public void Add(StoreChange change, EventDraft draft)
    {
        string id = _ids.Next();
        change.Create(Keys.Events, id, new Event
        {
            Id = id,
            Time = time.GetUtcNow(),
            Severity = draft.Severity,
            Kind = draft.Kind,
            Target = draft.Target,
            Project = draft.Project ?? Installation,
            Message = draft.Message,
            Operation = draft.Operation,
            Host = host,
            Epoch = draft.Epoch,
            Run = draft.Run,
        });
    }
}
