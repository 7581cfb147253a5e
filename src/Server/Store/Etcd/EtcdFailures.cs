using Grpc.Core;

namespace Lamina.Server.Store.Etcd;

/// <summary>What a failed call says of its transaction.</summary>
internal enum EtcdFailureKind
{
    /// <summary>It has not reached etcd, or etcd has refused to begin: another member may take it.</summary>
    NotBegun,

    /// <summary>It may have been carried out, now or later.</summary>
    Unknown,

    /// <summary>etcd has refused it, as every member would.</summary>
    Refused,

    /// <summary>It names a lease that is no more; nothing was written.</summary>
    LeaseGone,

    /// <summary>It asks for a revision that is no longer held.</summary>
    Compacted,
}

/// <summary>Reads etcd's errors (etcd: rpctypes/error.go), pure.</summary>
internal static class EtcdFailures
{
    /// <summary>Said before anything was proposed.</summary>
    private static readonly string[] NothingProposed = ["etcdserver: no leader", "etcdserver: not leader", "etcdserver: too many requests", "etcdserver: rpc not supported for learner"];

    public static EtcdFailureKind KindOf(RpcException failure)
    {
        string detail = failure.Status.Detail;
        return failure.StatusCode switch
        {
            StatusCode.NotFound when detail.Contains("lease not found", StringComparison.Ordinal) => EtcdFailureKind.LeaseGone,
            StatusCode.OutOfRange when detail.Contains("compacted", StringComparison.Ordinal) => EtcdFailureKind.Compacted,
            _ when NothingProposed.Any(said => detail.Contains(said, StringComparison.Ordinal)) => EtcdFailureKind.NotBegun,
            _ when IsUnsent(failure) => EtcdFailureKind.NotBegun,
            StatusCode.InvalidArgument or StatusCode.PermissionDenied or StatusCode.Unauthenticated or StatusCode.ResourceExhausted
                or StatusCode.Unimplemented or StatusCode.FailedPrecondition => EtcdFailureKind.Refused,
            _ => EtcdFailureKind.Unknown,
        };
    }

    public static string Describe(RpcException failure, string endpoint) => failure.Status.Detail switch
    {
        var detail when detail.Contains("database space exceeded", StringComparison.Ordinal) =>
            $"etcd at {endpoint} has used up its room and takes no writes. A cluster's own is given room again by its hosts within a minute; one that is looked after elsewhere must be compacted and defragmented, and its alarm cleared.",
        _ when failure.StatusCode is StatusCode.Cancelled => $"etcd at {endpoint} does not answer in time.",
        "" => $"etcd at {endpoint} does not answer ({failure.StatusCode}).",
        var detail => $"etcd at {endpoint} does not answer: {detail.TrimEnd('.')}.",
    };

    /// <summary>No connection came about, so that not a byte of the call has left.</summary>
    private static bool IsUnsent(RpcException failure) => failure.Status.DebugException is HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError,
    };
}
