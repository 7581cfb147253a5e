namespace Lamina.Api;

/// <summary>
/// A file on its way in. <c>POST /v1/uploads</c> reserves the room, <c>PATCH /v1/uploads/{id}</c> with <c>Upload-Offset</c> appends
/// (and resumes: <c>HEAD</c> tells the offset), an image or ISO then takes it over. Unfinished ones are swept after a day.
/// </summary>
public sealed record Upload
{
    public required string Id { get; init; }
    public required long SizeBytes { get; init; }
    public required long OffsetBytes { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

public sealed record UploadCreate
{
    public required long SizeBytes { get; init; }
    public string? Pool { get; init; }
    public string? Project { get; init; }
}
