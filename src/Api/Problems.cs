using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>
/// The body of every error answer: problem details (RFC 9457) with a stable <see cref="Code"/>, what to do, and for bad input every
/// problem with its path.
/// </summary>
public sealed record Problem
{
    public string Type { get; set; } = "about:blank";
    public required string Title { get; init; }
    public required int Status { get; init; }
    public string? Detail { get; init; }

    /// <summary>For example <c>vm.notFound</c>, <c>input.invalid</c>, <c>name.taken</c>; scripts may rely on it.</summary>
    public required string Code { get; init; }
    public string? Remedy { get; init; }
    public string? RequestId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<InputProblem>? Problems { get; init; }
}

/// <summary>One thing wrong with an input: where (<c>$.disks[0].sizeBytes</c>), which rule, and in words what to write instead.</summary>
public sealed record InputProblem
{
    public required string Path { get; init; }
    public required string Code { get; init; }
    public required string Message { get; init; }
}
