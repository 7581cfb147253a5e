namespace Lamina.Api;

/// <summary>A name that groups objects, and where role bindings hold. <c>default</c> always exists.</summary>
public sealed record Project
{
    public required string Name { get; init; }
    public string? Description { get; init; }
}

/// <summary>Key <c>projects/&lt;name&gt;</c>.</summary>
public sealed record ProjectSpec : StoredRecord
{
    public required string Name { get; init; }
    public string? Description { get; init; }
}
