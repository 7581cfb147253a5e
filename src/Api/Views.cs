namespace Lamina.Api;

/// <summary>What a person wants to see of a table, under a name: its filters, order and columns. <c>/v1/views</c> has one's own.</summary>
public sealed record SavedView : RecordPart
{
    /// <summary>Which table, such as <c>vms</c>.</summary>
    public required string Table { get; init; }

    /// <summary>Unique in the table.</summary>
    public required string Name { get; init; }

    /// <summary>The query of the table's address in the web console: <c>filter=web&amp;sort=-memory</c>.</summary>
    public required string Query { get; init; }
}

/// <summary>Body of <c>PUT /v1/views/{table}/{view}</c>.</summary>
public sealed record SavedViewUpdate
{
    public required string Query { get; init; }
}

/// <summary>All views of one user. Key <c>views/&lt;user&gt;</c>.</summary>
public sealed record SavedViews : StoredRecord
{
    public IReadOnlyList<SavedView> Views { get; set; } = [];
}
