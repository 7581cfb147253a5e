using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>A lease that this daemon keeps alive while it works at something.</summary>
internal sealed class HeldLease
{
    private static readonly TimeSpan ReleasePatience = TimeSpan.FromSeconds(2);

    private readonly IStore _store;
    private readonly TimeSpan _timeToLive;
    private readonly TimeProvider _time;
    private long _renewed;

    private HeldLease(IStore store, long id, TimeSpan timeToLive, long asked, TimeProvider time)
    {
        _store = store;
        Id = id;
        _timeToLive = timeToLive;
        _renewed = asked;
        _time = time;
    }

    public long Id { get; }

    /// <exception cref="StoreUnavailableException">The store cannot be written now.</exception>
    public static async Task<HeldLease> GrantAsync(IStore store, TimeSpan timeToLive, TimeProvider time, CancellationToken cancellationToken)
    {
        long asked = time.GetTimestamp();
        return new HeldLease(store, await store.GrantLeaseAsync(timeToLive, cancellationToken), timeToLive, asked, time);
    }

    /// <summary>Renews it; ends when it is lost, or must be taken for lost because the store has not answered for as long as it lasts.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        while (_time.GetElapsedTime(_renewed) < _timeToLive)
        {
            await Task.Delay(_timeToLive / 3, _time, cancellationToken);
            long asked = _time.GetTimestamp();
            try
            {
                if (!await _store.KeepLeaseAliveAsync(Id, cancellationToken)) return;
                _renewed = asked;
            }
            catch (StoreUnavailableException)
            {
                // Tried again while the lease may still live.
            }
        }
    }

    /// <summary>Ends it now, with the keys that hang on it. False: the store is away, and it ends by itself.</summary>
    public async Task<bool> TryReleaseAsync()
    {
        using var patience = new CancellationTokenSource(ReleasePatience, _time);
        try
        {
            await _store.RevokeLeaseAsync(Id, patience.Token);
            return true;
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            return false;
        }
    }
}
