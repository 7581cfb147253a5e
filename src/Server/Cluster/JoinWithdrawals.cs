using System.Diagnostics.CodeAnalysis;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// Tells a cluster that this host, which it has let in, has not come: its join was given up, or the daemon died in the midst of it. Until the cluster has heard that, it shows a silent host and
/// keeps names for it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never taken, so nothing is held.")]
internal sealed partial class JoinWithdrawals(Instance instance, string hostId, TimeProvider time, ILogger<JoinWithdrawals> logger)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>While this host joins, nothing is taken back.</summary>
    public async Task<T> HoldAsync<T>(Func<Task<T>> join, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            return await join();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Until the cluster has heard it, and then until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!await HoldAsync(() => TryAsync(instance, hostId, time, cancellationToken), cancellationToken))
        {
            LogNotYet(logger);
            await Task.Delay(Retry, time, cancellationToken);
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
    }

    /// <returns>False: the cluster does not answer now.</returns>
    public static async Task<bool> TryAsync(Instance instance, string hostId, TimeProvider time, CancellationToken cancellation)
    {
        if (JoinAttempt.Read(instance) is not { } attempt || StoreFolder.IsEtcd(instance.StoreDirectory)) return true;
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await new JoinRequest(JoinToken.Parse(attempt.Token), time).WithdrawAsync(new Uri(attempt.Member), hostId, either.Token);
        }
        catch (ProblemException refused) when (refused.Kind is not ProblemKind.Unavailable)
        {
            // The cluster knows nothing of it, or has removed the host: there is nothing to take back.
        }
        catch (Exception failure) when (failure is ProblemException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return false;
        }

        JoinAttempt.Forget(instance);
        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A join of this host came to nothing, and the cluster does not answer now to be told so: it shows the host as silent until then")]
    private static partial void LogNotYet(ILogger logger);
}
