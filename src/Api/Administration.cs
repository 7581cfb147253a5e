namespace Lamina.Api;

/// <summary>A line of the daemon's log, as <c>GET /v1/logs</c> gives it.</summary>
public sealed record LogEntry
{
    public required DateTimeOffset Time { get; init; }

    /// <summary><c>debug</c>, <c>information</c>, <c>warning</c> or <c>error</c>.</summary>
    public required string Level { get; init; }

    /// <summary>The room and class that says it.</summary>
    public required string Category { get; init; }
    public required string Message { get; init; }

    /// <summary>Of a failure: its kind and where it happened.</summary>
    public string? Exception { get; init; }

    /// <summary>The request on whose account it was said, also in what goes on after its answer.</summary>
    public string? RequestId { get; init; }
}

/// <summary>The certificate under which the API answers, as <c>GET /v1/certificate</c> gives it.</summary>
public sealed record ServerCertificate
{
    /// <summary>An administrator has set it; else the installation's CA has signed it and the daemon renews it.</summary>
    public bool Own { get; init; }
    public required string Subject { get; init; }
    public required string Issuer { get; init; }

    /// <summary>DNS names and addresses. An own certificate is shown to clients that ask for one of these names; others get the installation's.</summary>
    public required IReadOnlyList<string> Names { get; init; }
    public required DateTimeOffset NotBefore { get; init; }
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>SHA-256 with colons.</summary>
    public required string Fingerprint { get; init; }
}

/// <summary>Body of <c>PUT /v1/certificate</c>.</summary>
public sealed record ServerCertificateSet
{
    /// <summary>The certificate and the chain to its root, in this order.</summary>
    public required string CertificatePem { get; init; }

    /// <summary>Its private key, not encrypted; kept root-only on the host, and never given back.</summary>
    public required string PrivateKeyPem { get; init; }
}

/// <summary>What stands in a backup of the daemon's state beside its files.</summary>
public sealed record BackupDescription
{
    /// <summary>The form of the archive, from 1.</summary>
    public int Format { get; set; } = 1;
    public required string Version { get; init; }
    public required string Host { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}
