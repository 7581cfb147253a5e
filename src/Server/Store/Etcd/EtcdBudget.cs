using Grpc.Core;

namespace Lamina.Server.Store.Etcd;

/// <summary>The time of one call, shared by its attempts.</summary>
internal sealed class EtcdBudget(EtcdEndpoints endpoints, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly long _began = time.GetTimestamp();
    private int _attempts;

    private TimeSpan Left => EtcdCalls.Patience - time.GetElapsedTime(_began);

    /// <summary>The next attempt gets half of the time while there is another member to ask, else all that is left.</summary>
    public CallOptions Options(CancellationToken cancellationToken)
    {
        _attempts++;
        var limit = endpoints.Count > 1 && _attempts < endpoints.Count ? EtcdCalls.Patience / 2 : Left;
        return new CallOptions(
            EtcdConnection.RequireLeader,
            time.GetUtcNow().UtcDateTime + (limit < Left ? limit : Left),
            cancellationToken);
    }

    /// <summary>False: the time is over. Once every member was asked, there is a pause before the first is asked again.</summary>
    public async Task<bool> MayTryAgainAsync(CancellationToken cancellationToken)
    {
        if (Left <= Pause) return false;
        if (_attempts % endpoints.Count == 0) await Task.Delay(Pause, time, cancellationToken);
        return true;
    }
}
