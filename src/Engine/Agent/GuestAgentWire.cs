using System.Text.Json.Serialization;

namespace Lamina.Engine.Agent;

// The agent's records as they go over the line (QEMU's qga reference); what callers see is in GuestAgentRecords.cs.

internal sealed record AgentNothing;

internal sealed record AgentExecArguments
{
    public required string Path { get; init; }
    public required IReadOnlyList<string> Arg { get; init; }
    public required IReadOnlyList<string> Env { get; init; }
    public byte[]? InputData { get; init; }
    public bool CaptureOutput => true;
}

internal sealed record AgentProcess
{
    public required long Pid { get; init; }
}

internal sealed record AgentExecStatus
{
    public required bool Exited { get; init; }
    public int? Exitcode { get; init; }
    public int? Signal { get; init; }
    public byte[]? OutData { get; init; }
    public byte[]? ErrData { get; init; }
    public bool OutTruncated { get; init; }
    public bool ErrTruncated { get; init; }
}

internal sealed record AgentShutdownArguments
{
    public required string Mode { get; init; }
}

internal sealed record AgentPasswordArguments
{
    public required string Username { get; init; }
    /// <summary>UTF-8, which JSON carries in base64.</summary>
    public required byte[] Password { get; init; }
    public required bool Crypted { get; init; }
}

internal sealed record AgentFileOpenArguments
{
    public required string Path { get; init; }
    /// <summary>As of fopen(3).</summary>
    public required string Mode { get; init; }
}

internal sealed record AgentFileWriteArguments
{
    public required long Handle { get; init; }
    [JsonPropertyName("buf-b64")]
    public required ReadOnlyMemory<byte> Bytes { get; init; }
}

internal sealed record AgentFileWritten
{
    public required long Count { get; init; }
}

internal sealed record AgentFileReadArguments
{
    public required long Handle { get; init; }
    public required int Count { get; init; }
}

internal sealed record AgentFileContent
{
    [JsonPropertyName("buf-b64")]
    public required byte[] Bytes { get; init; }
    public bool Eof { get; init; }
}

internal sealed record AgentFileArguments
{
    public required long Handle { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AgentNothing))]
[JsonSerializable(typeof(GuestAgentInfo))]
[JsonSerializable(typeof(GuestOsInfo))]
[JsonSerializable(typeof(GuestNetworkInterface[]))]
[JsonSerializable(typeof(AgentExecArguments))]
[JsonSerializable(typeof(AgentProcess))]
[JsonSerializable(typeof(AgentExecStatus))]
[JsonSerializable(typeof(AgentShutdownArguments))]
[JsonSerializable(typeof(AgentPasswordArguments))]
[JsonSerializable(typeof(AgentFileOpenArguments))]
[JsonSerializable(typeof(AgentFileReadArguments))]
[JsonSerializable(typeof(AgentFileContent))]
[JsonSerializable(typeof(AgentFileArguments))]
[JsonSerializable(typeof(AgentFileWriteArguments))]
[JsonSerializable(typeof(AgentFileWritten))]
[JsonSerializable(typeof(long))]
internal sealed partial class AgentJson : JsonSerializerContext;
