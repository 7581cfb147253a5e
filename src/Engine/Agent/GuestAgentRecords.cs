using System.Text.Json.Serialization;

namespace Lamina.Engine.Agent;

public sealed record GuestAgentInfo
{
    public required string Version { get; init; }
    [JsonPropertyName("supported_commands")]
    public required IReadOnlyList<GuestAgentCommandInfo> SupportedCommands { get; init; }
}

public sealed record GuestAgentCommandInfo
{
    public required string Name { get; init; }
    public required bool Enabled { get; init; }
}

/// <summary><c>guest-get-osinfo</c>; everything is the guest's own word and optional.</summary>
public sealed record GuestOsInfo
{
    public string? Id { get; init; }
    public string? Name { get; init; }
    public string? PrettyName { get; init; }
    public string? Version { get; init; }
    public string? VersionId { get; init; }
    public string? KernelRelease { get; init; }
    public string? KernelVersion { get; init; }
    public string? Machine { get; init; }
}

public sealed record GuestNetworkInterface
{
    public required string Name { get; init; }
    public string? HardwareAddress { get; init; }
    public IReadOnlyList<GuestIpAddress>? IpAddresses { get; init; }
}

public sealed record GuestIpAddress
{
    public required string IpAddress { get; init; }
    /// <summary><c>ipv4</c> or <c>ipv6</c>.</summary>
    public required string IpAddressType { get; init; }
    public required int Prefix { get; init; }
}

/// <summary>A program to run inside the guest.</summary>
public sealed record GuestCommand
{
    public required string Path { get; init; }
    public IReadOnlyList<string> Arguments { get; init; } = [];
    /// <summary>Each <c>NAME=value</c>.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];
    public byte[]? Input { get; init; }
}

/// <summary>How a program inside the guest ended. Output is cut at the agent's own bound (16 MiB).</summary>
public sealed record GuestCommandResult
{
    /// <summary>Null = ended by <see cref="Signal"/>.</summary>
    public int? ExitCode { get; init; }
    public int? Signal { get; init; }
    public byte[] Output { get; init; } = [];
    public byte[] Error { get; init; } = [];
    public bool OutputTruncated { get; init; }
    public bool ErrorTruncated { get; init; }
}

public enum GuestShutdownMode
{
    PowerDown,
    Halt,
    Reboot,
}
