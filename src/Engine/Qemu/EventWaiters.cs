using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>Those who wait for a certain event of the monitor while others go on reading it.</summary>
internal sealed class EventWaiters
{
    private readonly Lock _lock = new();
    private readonly List<Waiter> _waiters = [];

    public void Receive(QmpEvent received)
    {
        lock (_lock)
            foreach (var waiter in _waiters) waiter.Offer(received);
    }

    /// <summary>Begins to listen: what happens between this and the wait is not missed.</summary>
    public Waiter Listen(Func<QmpEvent, bool> isIt)
    {
        var waiter = new Waiter(this, isIt);
        lock (_lock) _waiters.Add(waiter);
        return waiter;
    }

    internal sealed class Waiter(EventWaiters owner, Func<QmpEvent, bool> isIt) : IDisposable
    {
        private readonly SemaphoreSlim _count = new(0);

        /// <summary>Completes at the next event of this kind.</summary>
        /// <returns>False: <paramref name="deadline"/> came first.</returns>
        public async Task<bool> NextAsync(CancellationToken deadline, CancellationToken cancellationToken)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline, cancellationToken);
            try
            {
                await _count.WaitAsync(either.Token);
                return true;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return false;
            }
        }

        public void Dispose()
        {
            lock (owner._lock) owner._waiters.Remove(this);
            _count.Dispose();
        }

        internal void Offer(QmpEvent received)
        {
            if (isIt(received)) _count.Release();
        }
    }
}
