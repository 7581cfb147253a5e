using Grpc.Core;

namespace Lamina.Server.Store.Etcd;

/// <summary>
/// The time of one call, shared by its attempts. It runs on the daemon's own clock (decision 7): gRPC's deadlines are wall time, and a call to a silent member would last for hours longer when that is set back.
/// </summary>
internal sealed class EtcdBudget(EtcdEndpoints endpoints, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly long _began = time.GetTimestamp();
    private int _attempts;

    private TimeSpan Left => EtcdCalls.Patience - time.GetElapsedTime(_began);

    /// <summary>The next attempt gets half of the time while there is another member to ask, else all that is left.</summary>
    public EtcdAttempt Begin(CancellationToken cancellationToken)
    {
        _attempts++;
        var left = Left;
        var limit = endpoints.Count > 1 && _attempts < endpoints.Count && EtcdCalls.Patience / 2 < left ? EtcdCalls.Patience / 2 : left;
        return new EtcdAttempt(limit > TimeSpan.Zero ? limit : TimeSpan.Zero, time, cancellationToken);
    }

    /// <summary>False: the time is over. Once every member was asked, there is a pause before the first is asked again.</summary>
    public async Task<bool> MayTryAgainAsync(CancellationToken cancellationToken)
    {
        if (Left <= Pause) return false;
        if (_attempts % endpoints.Count == 0) await Task.Delay(Pause, time, cancellationToken);
        return true;
    }
}

/// <summary>One attempt of a call; disposed when its answer is there.</summary>
internal sealed class EtcdAttempt : IDisposable
{
    private readonly CancellationTokenSource _patience;
    private readonly CancellationTokenSource _either;

    public EtcdAttempt(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        _patience = new CancellationTokenSource(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_patience.Token, cancellationToken);
        Options = new CallOptions(EtcdConnection.RequireLeader, deadline: null, _either.Token);
    }

    public CallOptions Options { get; }

    public void Dispose()
    {
        _either.Dispose();
        _patience.Dispose();
    }
}
