using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Api;

[JsonConverter(typeof(CamelCaseEnum<WatchAction>))]
public enum WatchAction
{
    /// <summary>The object is new or changed; it is given whole.</summary>
    Put,

    /// <summary>The object is gone, or may no longer be seen.</summary>
    Delete,

    /// <summary>All objects of the beginning have been given; what follows are changes.</summary>
    Synced,

    /// <summary>Changes were lost: forget what is known, a new beginning follows.</summary>
    Resync,
}

/// <summary>One event of <c>GET /v1/watch</c>: first every object, then <see cref="WatchAction.Synced"/>, then changes as they come.</summary>
public sealed record WatchChange
{
    public required WatchAction Action { get; init; }

    /// <summary>The revision at which it is so, for <c>Lamina-Min-Revision</c>.</summary>
    public required string Revision { get; init; }

    /// <summary>As in the path of the API: <c>vms</c>. Null with synced and resync.</summary>
    public string? Kind { get; init; }
    public string? Id { get; init; }

    /// <summary>What <c>GET /v1/&lt;kind&gt;/&lt;id&gt;</c> would give; only with put.</summary>
    public JsonElement? Object { get; init; }
}
