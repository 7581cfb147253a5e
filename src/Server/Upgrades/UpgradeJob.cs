using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;

namespace Lamina.Server.Upgrades;

/// <summary>That all hosts are to get a version: an operation that the leader carries out, one host after the other.</summary>
internal sealed record UpgradeJob
{
    public const string Kind = "cluster.upgrade";

    /// <summary>Operations of single hosts: the version is made ready; the daemon is replaced.</summary>
    public const string PrepareKind = "host.upgradePrepare";
    public const string SwitchKind = "host.upgrade";

    /// <summary>The operation on whose account they are.</summary>
    public const string ForParameter = "for";

    public const string VersionParameter = "version";
    public const string PackageParameter = "sha256";
    public const string HostParameter = "packageHost";
    public const string SignatureParameter = "signature";
    public const string EvacuateParameter = "evacuate";

    public required string Operation { get; init; }
    public required string Version { get; init; }

    /// <summary>SHA-256 of the package.</summary>
    public required string Package { get; init; }

    /// <summary>Id of the host that has the package.</summary>
    public required string PackageHost { get; init; }
    public string? Signature { get; init; }
    public bool Evacuate { get; init; }
    public required string RequestedBy { get; init; }
    public bool IsCancelled { get; init; }

    public static ObjectReference Target { get; } = new() { Kind = "cluster", Id = "cluster" };

    /// <summary>The one that has not ended; null: none.</summary>
    public static UpgradeJob? Open(CacheSnapshot snapshot) => OperationViews.Open(snapshot, Kind).Select(Of).FirstOrDefault();

    public static UpgradeJob Of(string operation, OperationRequest request)
    {
        string Text(string parameter) => (string?)request.Parameters?[parameter] ?? "";
        return new UpgradeJob
        {
            Operation = operation,
            Version = Text(VersionParameter),
            Package = Text(PackageParameter),
            PackageHost = Text(HostParameter),
            Signature = Text(SignatureParameter) is { Length: > 0 } signature ? signature : null,
            Evacuate = (bool?)request.Parameters?[EvacuateParameter] ?? false,
            RequestedBy = request.RequestedBy,
            IsCancelled = request.CancelRequested,
        };
    }

    public JsonObject Parameters() => new()
    {
        [VersionParameter] = Version,
        [PackageParameter] = Package,
        [HostParameter] = PackageHost,
        [SignatureParameter] = Signature,
        [EvacuateParameter] = Evacuate,
    };

    /// <summary>Of what one host is asked for it.</summary>
    public JsonObject ChildParameters()
    {
        var parameters = Parameters();
        parameters[ForParameter] = Operation;
        return parameters;
    }

    private static UpgradeJob Of(CachedRecord<OperationRequest> request) => Of(request.Id, request.Record);
}
