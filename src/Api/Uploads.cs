namespace Lamina.Api;

/// <summary>
/// A file on its way in. <c>POST /v1/uploads</c> reserves the room, <c>PATCH /v1/uploads/{id}</c> with <c>Upload-Offset</c> appends
/// (and resumes: <c>HEAD</c> tells the offset), an image or ISO then takes it over. Unfinished ones are swept after a day.
/// </summary>
public sealed record Upload
{
    public required string Id { get; init; }
    public string Project { get; set; } = ProjectRecord.DefaultProject;
    public string? Pool { get; init; }
    public required long SizeBytes { get; init; }

    /// <summary>How much has come; in lists 0 of what another host takes in: ask for it alone.</summary>
    public required long OffsetBytes { get; init; }

    /// <summary>Id of the host that takes it in; null: the one that has the pool.</summary>
    public string? Host { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Key <c>uploads/&lt;id&gt;</c>, written by the API. How much has come is the length of the file <c>&lt;pool&gt;/uploads/&lt;id&gt;</c>.</summary>
public sealed record UploadSpec : ProjectRecord
{
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Id of the pool.</summary>
    public required string Pool { get; init; }
    public required long SizeBytes { get; init; }

    /// <summary>Id of the host that takes it in; null: the one that has the pool.</summary>
    public string? Host { get; init; }

    /// <summary>The file that the host downloads into it; null: a client sends it.</summary>
    public string? DownloadUrl { get; init; }

    /// <summary>The publisher's checksum of that file: another one is another file, which this does not go on with.</summary>
    public string? DownloadDigest { get; init; }
}

public sealed record UploadCreate
{
    public required long SizeBytes { get; init; }
    public string? Pool { get; init; }
    public string? Project { get; init; }
}
