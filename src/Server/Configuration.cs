using System.Text.Json.Serialization;
using Lamina.Api;

namespace Lamina.Server;

/// <summary>What an administrator wrote in <c>lamina.yaml</c> and <c>conf.d/</c>; everything has a default.</summary>
internal sealed record Configuration
{
    public ApiConfiguration? Api { get; init; }
    public LogConfiguration? Log { get; init; }
    public RetentionConfiguration? Retention { get; init; }
    public PoolConfiguration? Pool { get; init; }
    public NetworkConfiguration? Network { get; init; }
    public QemuConfiguration? Qemu { get; init; }
    public MetricsConfiguration? Metrics { get; init; }
    public UpgradeConfiguration? Upgrade { get; init; }
}

/// <summary>Where the API listens.</summary>
internal sealed record ApiConfiguration
{
    /// <summary>IP addresses; default: the loopback only.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>Default: 7443 + 200 per instance number.</summary>
    public int? Port { get; init; }

    /// <summary>DNS names and IP addresses for the certificate, beside the host's own.</summary>
    public IReadOnlyList<string>? Names { get; init; }
}

internal sealed record LogConfiguration
{
    public LogLevelName? Level { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<LogLevelName>))]
internal enum LogLevelName
{
    Debug,
    Information,
    Warning,
    Error,
}

/// <summary>How long history is kept; whichever bound is met first.</summary>
internal sealed record RetentionConfiguration
{
    public int? Events { get; init; }
    public int? EventDays { get; init; }
    public int? AuditEntries { get; init; }
    public int? AuditDays { get; init; }

    /// <summary>Of operations that have ended.</summary>
    public int? Operations { get; init; }
    public int? OperationDays { get; init; }
}

/// <summary>The pool <c>default</c>, made at the first start.</summary>
internal sealed record PoolConfiguration
{
    public string? Path { get; init; }
}

/// <summary>The network <c>default</c>, made at the first start.</summary>
internal sealed record NetworkConfiguration
{
    /// <summary>IPv4 in CIDR form; default: 192.168.(200 + instance number).0/24.</summary>
    public string? Subnet { get; init; }
}

internal sealed record QemuConfiguration
{
    /// <summary>Default: <c>qemu-system-x86_64</c> as found in PATH.</summary>
    public string? Binary { get; init; }
}

internal sealed record MetricsConfiguration
{
    /// <summary>How often figures are taken; default: 10.</summary>
    public int? IntervalSeconds { get; init; }
}

/// <summary>What <c>lamina cluster upgrade</c> may bring.</summary>
internal sealed record UpgradeConfiguration
{
    /// <summary>PEM file of a public key (ECDSA or RSA): only packages signed by it are taken. Default: any that an administrator brings.</summary>
    public string? Key { get; init; }
}

/// <summary>Unknown members are refused: a key that does nothing is a mistake.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Configuration))]
internal sealed partial class ConfigurationJson : JsonSerializerContext;
