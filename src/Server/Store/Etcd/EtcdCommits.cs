using System.Collections.Concurrent;
using Grpc.Core;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>
/// Sends transactions. An attempt whose answer was lost is settled at once by sending the same transaction to the next member (decision 5), as long
/// as there is time; what then is still unknown is remembered, so that the next attempt with this nonce settles it.
/// </summary>
internal sealed class EtcdCommits(EtcdCalls calls, EtcdLayout layout, TimeProvider time)
{
    /// <summary>As long as a nonce is remembered, and no longer.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(5);

    private readonly EtcdTransactions _transactions = new(layout);
    private readonly EtcdNonces _nonces = new(calls, time);
    private readonly ConcurrentDictionary<Guid, long> _unsettled = new();

    public async Task<StoreResult> CommitAsync(StoreTransaction transaction, EtcdGuard? guard)
    {
        bool writes = transaction.Writes.Count > 0;
        bool unknown = _unsettled.ContainsKey(transaction.Nonce);
        var budget = new EtcdBudget(calls.Endpoints, time);
        while (true)
        {
            long lease = writes ? await NonceLeaseAsync(transaction, unknown) : 0;
            var connection = calls.Endpoints.Current;
            try
            {
                var request = _transactions.Request(transaction, guard, lease, settles: unknown);
                using var attempt = budget.Begin(CancellationToken.None);
                var response = await connection.Kv.TxnAsync(request, attempt.Options);
                _unsettled.TryRemove(transaction.Nonce, out _);
                return _transactions.Result(transaction, guard, response);
            }
            catch (RpcException failure) when (EtcdFailures.KindOf(failure) is EtcdFailureKind.LeaseGone)
            {
                await _nonces.ForgetAsync(lease);
                if (await GoneAsync(transaction) is { } gone) throw new StoreLeaseGoneException(gone);
                if (!await budget.MayTryAgainAsync(CancellationToken.None)) throw Failed(transaction, failure, connection, unknown);
            }
            catch (RpcException failure)
            {
                var kind = EtcdFailures.KindOf(failure);
                unknown |= writes && kind is EtcdFailureKind.Unknown;
                calls.Endpoints.Leave(connection);
                if (kind is EtcdFailureKind.Refused || !await budget.MayTryAgainAsync(CancellationToken.None))
                    throw Failed(transaction, failure, connection, unknown);
            }
        }
    }

    private async Task<long> NonceLeaseAsync(StoreTransaction transaction, bool unknown)
    {
        try
        {
            return await _nonces.NextAsync();
        }
        catch (StoreUnavailableException away) when (unknown)
        {
            throw Unknown(transaction, away.Message, away);
        }
    }

    private Exception Failed(StoreTransaction transaction, RpcException failure, EtcdConnection connection, bool unknown)
    {
        string message = connection.Describe(failure);
        return unknown ? Unknown(transaction, message, failure) : new StoreUnavailableException(message, failure);
    }

    private StoreOutcomeUnknownException Unknown(StoreTransaction transaction, string message, Exception cause)
    {
        foreach (var (nonce, since) in _unsettled)
        {
            if (time.GetElapsedTime(since) > Memory) _unsettled.TryRemove(nonce, out _);
        }

        _unsettled[transaction.Nonce] = time.GetTimestamp();
        return new StoreOutcomeUnknownException(transaction, message, cause);
    }

    /// <summary>The first lease of the transaction that is no more; null: all live.</summary>
    private async Task<long?> GoneAsync(StoreTransaction transaction)
    {
        foreach (long lease in transaction.Writes.OfType<StoreWrite.Put>().Select(put => put.LeaseId).Where(id => id != 0).Distinct())
        {
            var request = new LeaseTimeToLiveRequest { ID = lease };
            var answer = await calls.AskAsync((etcd, options) => etcd.Lease.LeaseTimeToLiveAsync(request, options).ResponseAsync, CancellationToken.None);
            if (answer.TTL <= 0) return lease;
        }

        return null;
    }
}
