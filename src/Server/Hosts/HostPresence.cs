using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Hosts;

/// <summary>
/// Says in the store that this host's daemon lives (<see cref="Keys.Hosts.Live"/>), and sees to it that no second live host bears its id: two machines with
/// a copy of one data folder have different incarnations, and the later one is refused (decision 4).
/// </summary>
/// <param name="store">Where it is said.</param>
/// <param name="identity">Who this host is.</param>
/// <param name="isShared">Other hosts use the store too. Where not, the lock of its folder has excluded every other daemon already.</param>
/// <param name="time">The clock.</param>
internal sealed class HostPresence(IStore store, HostIdentity identity, bool isShared, TimeProvider time)
{
    /// <summary>How long a host that died, or was cut off, is still taken for a live one.</summary>
    public static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(10);

    /// <summary>Long enough for what an earlier boot of this very machine left to end by itself, also when a new leader of etcd has prolonged it.</summary>
    private static readonly TimeSpan Patience = TimeToLive * 2;
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly DateTimeOffset _since = time.GetUtcNow();
    private HeldLease? _lease;

    /// <summary>Whether a host's daemon is there now and reaches the store. Not to be is no proof that its guests do not run (decision 1).</summary>
    public static bool IsLive(CacheSnapshot snapshot, string hostId) => snapshot.Get(Keys.Hosts.Live, hostId) is not null;

    /// <summary>Before this daemon acts in a store that it shares.</summary>
    /// <exception cref="ProblemException">Another live host bears this id.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be written now.</exception>
    public async Task ClaimAsync(CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            if (await TryClaimAsync(cancellationToken)) return;
            if (time.GetElapsedTime(began) > Patience) throw new ProblemException(
                ProblemKind.Conflict,
                "host.alreadyLive",
                $"Another machine that is live now has this host's identity {identity.Id}.",
                $"One of the two runs with a copy of the other's data folder. Stop its daemon; a copy becomes a host of its own when {HostIdentity.FileName} is removed from it.");
            await Task.Delay(RetryPause, time, cancellationToken);
        }
    }

    /// <summary>Keeps it said until cancelled, and then takes it back.</summary>
    /// <exception cref="ProblemException">This host was silent so long that another one could claim its id, which is live now.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                if (_lease is not null) await _lease.KeepAsync(cancellationToken);
                await ClaimAgainAsync(cancellationToken);
            }
        }
        finally
        {
            if (_lease is not null) await _lease.TryReleaseAsync();
        }
    }

    private async Task ClaimAgainAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await ClaimAsync(cancellationToken);
                return;
            }
            catch (Exception failure) when (failure is IOException or StoreLeaseGoneException)
            {
                // The store is away, which its own reader says, or was for so long that the new lease ended before it was used.
                await Task.Delay(RetryPause, time, cancellationToken);
            }
        }
    }

    /// <summary>False: another incarnation holds it, or it was changed at this moment.</summary>
    private async Task<bool> TryClaimAsync(CancellationToken cancellationToken)
    {
        string key = Keys.Hosts.Live[identity.Id];
        var held = await store.GetAsync(key, cancellationToken);
        if (held is not null && isShared && RecordJson.Read(held, Keys.Hosts.Live).Incarnation != identity.Incarnation) return false;
        var lease = await HeldLease.GrantAsync(store, TimeToLive, time, cancellationToken);
        bool claimed = false;
        try
        {
            var change = new StoreChange("host.live");
            if (held is null) change.RequireAbsent(key);
            else change.Require(key, held.ModRevision);
            change.Put(Keys.Hosts.Live, identity.Id, new HostLive { Incarnation = identity.Incarnation, Since = _since }, lease.Id)
                .Delete(Keys.Hosts.Death[identity.Id]);
            claimed = (await change.CommitAsync(store, time, cancellationToken)).Succeeded;
            if (claimed) _lease = lease;
            return claimed;
        }
        finally
        {
            if (!claimed) await lease.TryReleaseAsync();
        }
    }
}
