using Lamina.Api;

namespace Lamina.Server.Pools;

/// <summary>
/// What running work was promised of each pool's room and has not written yet. In memory only: after a restart the work that goes on reserves
/// anew. Safe for threads.
/// </summary>
internal sealed class PoolReservations
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Pool, long Bytes)> _byOwner = new(StringComparer.Ordinal);

    /// <summary>Promises room, or says why there is none; looking and promising are one step.</summary>
    /// <param name="poolId">The pool.</param>
    /// <param name="owner">Id of the upload or operation; what it held before is replaced.</param>
    /// <param name="what">For people: <c>the upload</c>.</param>
    /// <param name="bytes">At most this much will be written.</param>
    /// <param name="room">Reads the pool's room, given what is promised to others.</param>
    public Failure? TryReserve(string poolId, string owner, string what, long bytes, Func<long, PoolRoomNow> room)
    {
        lock (_gate)
        {
            var others = _byOwner.Where(entry => entry.Key != owner && entry.Value.Pool == poolId).Sum(entry => entry.Value.Bytes);
            if (PoolAccounting.Refuse(room(others), what, bytes) is { } refusal) return refusal;
            _byOwner[owner] = (poolId, bytes);
            return null;
        }
    }

    /// <summary>Of what was promised, this much is still to be written: the rest is in the file system's own figures by now.</summary>
    public void Keep(string owner, long bytesLeft)
    {
        lock (_gate)
        {
            if (_byOwner.TryGetValue(owner, out var known)) _byOwner[owner] = known with { Bytes = Math.Max(0, bytesLeft) };
        }
    }

    /// <summary>Takes up a promise of an earlier run of the daemon, whether or not there is room now.</summary>
    public void Restore(string poolId, string owner, long bytesLeft)
    {
        lock (_gate) _byOwner[owner] = (poolId, Math.Max(0, bytesLeft));
    }

    public void Release(string owner)
    {
        lock (_gate) _byOwner.Remove(owner);
    }

    public long Sum(string poolId)
    {
        lock (_gate) return _byOwner.Values.Where(entry => entry.Pool == poolId).Sum(entry => entry.Bytes);
    }
}
