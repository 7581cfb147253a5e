using System.Diagnostics.CodeAnalysis;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>The leases under which nonces of transactions lie. Each is used for a while and then left to end, so that old nonces go by themselves.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never taken, so nothing is held.")]
internal sealed class EtcdNonces(EtcdCalls calls, TimeProvider time)
{
    /// <summary>Longer than <see cref="IStore"/> promises, by the time in which a lease is used and some minutes more.</summary>
    private static readonly TimeSpan TimeToLive = TimeSpan.FromMinutes(6);

    private static readonly TimeSpan Use = TimeSpan.FromMinutes(1);

    /// <summary>etcd deletes all keys of a lease in one step, which must stay short.</summary>
    private const int MostNonces = 1000;

    private readonly SemaphoreSlim _gate = new(1);
    private (long Id, long Granted, int Nonces) _lease;

    /// <summary>The lease for the nonce of one transaction.</summary>
    /// <exception cref="StoreUnavailableException">A new one was due and could not be had.</exception>
    public async ValueTask<long> NextAsync()
    {
        await _gate.WaitAsync();
        try
        {
            if (_lease.Id == 0 || _lease.Nonces >= MostNonces || time.GetElapsedTime(_lease.Granted) >= Use)
            {
                long granted = time.GetTimestamp();
                var request = new LeaseGrantRequest { TTL = (long)TimeToLive.TotalSeconds };
                var answer = await calls.AskAsync((etcd, options) => etcd.Lease.LeaseGrantAsync(request, options).ResponseAsync, CancellationToken.None);
                _lease = (answer.ID, granted, 0);
            }

            _lease.Nonces++;
            return _lease.Id;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>etcd does not know this lease.</summary>
    public async ValueTask ForgetAsync(long lease)
    {
        await _gate.WaitAsync();
        if (_lease.Id == lease) _lease = default;
        _gate.Release();
    }
}
