using Grpc.Core;

namespace Lamina.Server.Store.Etcd;

/// <summary>
/// Calls that may safely be made twice (reads, leases): each member is asked in turn until one answers or the time is over. A member that does not
/// answer within a part of the time is left.
/// </summary>
internal sealed class EtcdCalls(EtcdEndpoints endpoints, TimeProvider time)
{
    /// <summary>How long all attempts of one call may take; twice this stays below the 5 s within which a write is answered (decision 16).</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public EtcdEndpoints Endpoints => endpoints;

    /// <param name="call">One attempt.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    /// <exception cref="StoreUnavailableException">No member answered, or etcd refuses.</exception>
    /// <exception cref="RpcException">A lease is gone, or a revision is no longer held: see <see cref="EtcdFailures"/>.</exception>
    public async Task<T> AskAsync<T>(Func<EtcdConnection, CallOptions, Task<T>> call, CancellationToken cancellationToken)
    {
        var budget = new EtcdBudget(endpoints, time);
        while (true)
        {
            var connection = endpoints.Current;
            try
            {
                using var attempt = budget.Begin(cancellationToken);
                return await call(connection, attempt.Options);
            }
            catch (RpcException failure)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var kind = EtcdFailures.KindOf(failure);
                if (kind is EtcdFailureKind.LeaseGone or EtcdFailureKind.Compacted) throw;
                endpoints.Leave(connection);
                if (kind is EtcdFailureKind.Refused || !await budget.MayTryAgainAsync(cancellationToken))
                    throw new StoreUnavailableException(connection.Describe(failure), failure);
            }
        }
    }
}
