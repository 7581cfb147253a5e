namespace Lamina.Server.Store;

/// <summary>
/// How much time each lease has left. Keeping one alive writes nothing; at the opening of the store each lease begins anew, as after an
/// election of etcd: it can only live longer than promised, never shorter.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="expired">Called once for each lease whose time has run out; it then no longer exists here.</param>
internal sealed class SqliteLeases(TimeProvider time, Action<long> expired) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Lease> _leases = [];

    public void Add(long id, TimeSpan timeToLive)
    {
        lock (_gate)
        {
            var timer = time.CreateTimer(_ => Look(id), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _leases.Add(id, new Lease(timeToLive, time.GetTimestamp(), timer));
            timer.Change(timeToLive, Timeout.InfiniteTimeSpan);
        }
    }

    public bool KeepAlive(long id)
    {
        lock (_gate)
        {
            if (!_leases.TryGetValue(id, out var lease)) return false;
            _leases[id] = lease with { Renewed = time.GetTimestamp() };
            lease.Timer.Change(lease.TimeToLive, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    public void Remove(long id)
    {
        lock (_gate)
        {
            if (_leases.Remove(id, out var lease)) lease.Timer.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var lease in _leases.Values) lease.Timer.Dispose();
            _leases.Clear();
        }
    }

    private void Look(long id)
    {
        lock (_gate)
        {
            // The timer may have fired while the lease was being renewed or removed.
            if (!_leases.TryGetValue(id, out var lease) || time.GetElapsedTime(lease.Renewed) < lease.TimeToLive) return;
            _leases.Remove(id);
            lease.Timer.Dispose();
        }

        expired(id);
    }

    private sealed record Lease(TimeSpan TimeToLive, long Renewed, ITimer Timer);
}
