namespace Lamina.Api.Client;

/// <summary>What a read answered, with the ETag to name in a conditional change.</summary>
public readonly record struct Answer<T>(T Value, string? ETag);
