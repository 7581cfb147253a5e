using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Http;

/// <summary>What every endpoint works with.</summary>
internal sealed record ApiServices
{
    public required IStore Store { get; init; }
    public required Cache Cache { get; init; }
    public required TimeProvider Time { get; init; }

    /// <summary>This host's id; empty: nothing is carried to others.</summary>
    public string HostId { get; init; } = "";

    /// <summary>The way to other members.</summary>
    public PeerDirectory Peers { get; init; } = new();

    /// <summary>Of the fingerprints of requests that bore an Idempotency-Key; random, and kept outside the store.</summary>
    public ReadOnlyMemory<byte> FingerprintKey { get; init; }

    /// <summary>The daemon stops: streams end, or they would hold its end up.</summary>
    public CancellationToken Stopping { get; init; }

    /// <summary>Adds the audit entry to the change of each write; Program.cs wires Events here, which is a later room.</summary>
    public Action<ApiRequest, StoreChange, ObjectReference?, int> OnCommit { get; init; } = (_, _, _, _) => { };

    /// <summary>Shows an operation again for a repeated Idempotency-Key; Operations is a later room.</summary>
    public Func<ApiRequest, string, ApiAnswer?> ShowOperation { get; init; } = (_, _) => null;
}
