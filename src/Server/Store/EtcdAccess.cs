namespace Lamina.Server.Store;

/// <summary>How the etcd that holds the store is reached.</summary>
internal sealed record EtcdAccess
{
    public const string DefaultPrefix = "lamina/";

    /// <summary>Client addresses of its members, <c>https://10.0.0.1:7445</c>; each is tried before the store is called unavailable.</summary>
    public required IReadOnlyList<string> Endpoints { get; init; }

    /// <summary>PEM; the only authority that the members' certificates may come from. Null: without TLS, which is for the loopback.</summary>
    public string? CaFile { get; init; }

    /// <summary>PEM; with <see cref="KeyFile"/> this host's own certificate.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>PEM.</summary>
    public string? KeyFile { get; init; }

    /// <summary>What keeps this host's own member from answering, as a sentence with the remedy; null: nothing that this host knows. Asked when a call has failed.</summary>
    public Func<string?>? Trouble { get; init; }

    /// <summary>Before every key. An etcd may be shared, but its revisions, its history and its quota are then shared as well.</summary>
    public string Prefix { get; set; } = DefaultPrefix;
}
