namespace Lamina.Api;

/// <summary>A package of Lamina that was brought to a host, as <c>POST /v1/cluster/packages</c> gives it.</summary>
public sealed record UpgradePackage
{
    /// <summary>Of Lamina, as the package says.</summary>
    public required string Version { get; init; }

    /// <summary>Of the file, lower-case hexadecimal: by it the package is named.</summary>
    public required string Sha256 { get; init; }
    public required long SizeBytes { get; init; }
}

/// <summary>Body of <c>POST /v1/cluster/upgrade</c>.</summary>
public sealed record ClusterUpgradeRequest
{
    /// <summary>SHA-256 of a package that was brought to the host that is asked.</summary>
    public required string Package { get; init; }

    /// <summary>Of the package by the key that the hosts' configuration pins: base64 of a DER signature (ECDSA or RSA, SHA-256). Null: no host pins one.</summary>
    public string? Signature { get; init; }

    /// <summary>Each host is emptied before its daemon is replaced, and filled again after it. Not needed for the guests' sake: they outlive the daemon.</summary>
    public bool Evacuate { get; init; }
}

/// <summary>What an upgrade would do, as <c>GET /v1/cluster/upgrade</c> gives it.</summary>
public sealed record ClusterUpgradePlan
{
    /// <summary>That all hosts have in the end.</summary>
    public required string Version { get; init; }

    /// <summary>What stands in the way: nothing is begun while there is anything.</summary>
    public required IReadOnlyList<Failure> Blockers { get; init; }

    /// <summary>In the order in which they get it.</summary>
    public required IReadOnlyList<UpgradeStep> Hosts { get; init; }

    /// <summary>What a person should know, in words.</summary>
    public IReadOnlyList<string> Notes { get; set; } = [];
}

/// <summary>One host in a <see cref="ClusterUpgradePlan"/>.</summary>
public sealed record UpgradeStep
{
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>That it runs now.</summary>
    public string? Version { get; init; }

    /// <summary>Why it has this place in the order: <c>witness</c>, <c>client</c>, <c>voter</c>, <c>leader</c>.</summary>
    public required string Role { get; init; }

    /// <summary>It has the version already.</summary>
    public bool IsDone { get; init; }
}
