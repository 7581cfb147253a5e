using System.Text.Json.Serialization;

namespace Lamina.Engine.Qmp;

// The records of memory and disks on their way to another process (qapi/migration.json, block-export.json, yank.json).

public sealed record MigrationCapabilities
{
    public required IReadOnlyList<MigrationCapability> Capabilities { get; init; }
}

public sealed record MigrationCapability
{
    /// <summary>Such as <c>events</c>, which is off by default.</summary>
    public required string Capability { get; init; }
    public required bool State { get; init; }
}

/// <summary>Null = as it is.</summary>
public sealed record MigrationParameters
{
    /// <summary>Bytes a second; QEMU's default is 128 MiB.</summary>
    public long? MaxBandwidth { get; init; }
    /// <summary>The same in post-copy; 0 = none.</summary>
    public long? MaxPostcopyBandwidth { get; init; }
    /// <summary>Milliseconds.</summary>
    public long? DowntimeLimit { get; init; }
    public long? MultifdChannels { get; init; }
    /// <summary>An object's id; empty = in the clear.</summary>
    public string? TlsCreds { get; init; }
    public string? TlsHostname { get; init; }
    /// <summary>How often the network is told; 0 = not at all.</summary>
    public long? AnnounceRounds { get; init; }
}

public sealed record UriArguments
{
    /// <summary><c>fd:NAME</c>, of a file given by <c>getfd</c>, or <c>tcp:ADDRESS:PORT</c>.</summary>
    public required string Uri { get; init; }
}

/// <summary><c>migrate</c> of what stands in <c>postcopy-paused</c>.</summary>
public sealed record ResumeMigrationArguments
{
    public required string Uri { get; init; }
    public bool Resume => true;
}

/// <summary><c>migrate-continue</c>.</summary>
public sealed record MigrationStatusArguments
{
    public required string State { get; init; }
}

/// <summary><c>query-migrate</c>.</summary>
public sealed record MigrationInfo
{
    /// <summary>QEMU's MigrationStatus; null = there was none.</summary>
    public string? Status { get; init; }
    public MigrationStats? Ram { get; init; }
    public string? ErrorDesc { get; init; }
    /// <summary>Milliseconds, as the next three.</summary>
    public long? TotalTime { get; init; }
    public long? ExpectedDowntime { get; init; }
    public long? Downtime { get; init; }
    public long? CpuThrottlePercentage { get; init; }
    public IReadOnlyList<string>? BlockedReasons { get; init; }
}

public sealed record MigrationStats
{
    public required long Transferred { get; init; }
    public required long Total { get; init; }
    public required long Remaining { get; init; }
    /// <summary>Pages a second.</summary>
    public required long DirtyPagesRate { get; init; }
    public required long PageSize { get; init; }
    public required long DirtySyncCount { get; init; }
    public required long PostcopyRequests { get; init; }
    /// <summary>10⁶ bits a second.</summary>
    public required double Mbps { get; init; }
}

public sealed record MigrationEventData
{
    public required string Status { get; init; }
}

/// <summary><c>calc-dirty-rate</c>.</summary>
public sealed record DirtyRateArguments
{
    /// <summary>Seconds.</summary>
    public required long CalcTime { get; init; }
}

/// <summary><c>query-dirty-rate</c>.</summary>
public sealed record DirtyRateInfo
{
    /// <summary><c>unstarted</c>, <c>measuring</c>, <c>measured</c>.</summary>
    public required string Status { get; init; }
    /// <summary>MiB a second; null until measured.</summary>
    public long? DirtyRate { get; init; }
}

/// <summary><c>announce-self</c>: milliseconds.</summary>
public sealed record AnnounceArguments
{
    public long Initial => 50;
    public long Max => 550;
    public long Rounds => 5;
    public long Step => 100;
}

/// <summary>A part of QEMU whose connections can be broken.</summary>
public sealed record YankInstance
{
    /// <summary><c>migration</c>, <c>block-node</c>, <c>chardev</c>.</summary>
    public required string Type { get; init; }
    public string? NodeName { get; init; }
}

public sealed record YankArguments
{
    public required IReadOnlyList<YankInstance> Instances { get; init; }
}

/// <summary><c>object-add</c> of <c>tls-creds-x509</c>.</summary>
public sealed record TlsCredentialsObject
{
    public string QomType => "tls-creds-x509";
    public required string Id { get; init; }
    /// <summary><c>server</c> or <c>client</c>.</summary>
    public required string Endpoint { get; init; }
    /// <summary>A folder with <c>ca-cert.pem</c> and the endpoint's own certificate and key.</summary>
    public required string Dir { get; init; }
    /// <summary>The other side needs a certificate of the same authority.</summary>
    public bool VerifyPeer => true;
}

/// <summary><c>nbd-server-start</c>.</summary>
public sealed record NbdServerArguments
{
    public required NbdServerAddress Addr { get; init; }
    public string? TlsCreds { get; init; }
}

public sealed record NbdServerAddress
{
    public string Type => "inet";
    public required InetAddress Data { get; init; }
}

/// <summary><c>nbd-server-start</c> on a socket that <c>getfd</c> has handed over.</summary>
public sealed record NbdServerOnFdArguments
{
    public required FdAddress Addr { get; init; }
}

public sealed record FdAddress
{
    public string Type => "fd";
    public required FdName Data { get; init; }
}

public sealed record FdName
{
    public required string Str { get; init; }
}

public sealed record InetAddress
{
    public required string Host { get; init; }
    public required string Port { get; init; }
}

/// <summary><c>block-export-add</c> for NBD.</summary>
public sealed record NbdExportArguments
{
    public string Type => "nbd";
    public required string Id { get; init; }
    public required string NodeName { get; init; }
    public required string Name { get; init; }
    public bool Writable { get; init; } = true;
}

/// <summary><c>block-export-del</c>.</summary>
public sealed record ExportDeleteArguments
{
    public required string Id { get; init; }
    /// <summary>Clients are cut off.</summary>
    public string Mode => "hard";
}

/// <summary>An element of <c>query-block-exports</c>.</summary>
public sealed record ExportInfo
{
    public required string Id { get; init; }
}

/// <summary><c>blockdev-add</c> of another process's export.</summary>
public sealed record NbdBlockdev
{
    public string Driver => "nbd";
    public required string NodeName { get; init; }
    public required NbdSocketAddress Server { get; init; }
    public required string Export { get; init; }
    public string? TlsCreds { get; init; }
    public string? TlsHostname { get; init; }
}

public sealed record NbdSocketAddress
{
    public string Type => "inet";
    public required string Host { get; init; }
    public required string Port { get; init; }
}

/// <summary><c>block-job-cancel</c>: of a mirror that is ready, this is its good end.</summary>
public sealed record BlockJobArguments
{
    /// <summary>The job's id.</summary>
    public required string Device { get; init; }
}

public sealed record BlockJobSpeedArguments
{
    public required string Device { get; init; }
    /// <summary>Bytes a second; 0 = no bound.</summary>
    public required long Speed { get; init; }
}
