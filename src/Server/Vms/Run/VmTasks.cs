using Lamina.Api;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// What goes on beside a running VM, for as long as it is of use: asking the guest's agent, and waiting for room in a full pool. Touched by the
/// runner's loop only.
/// </summary>
internal sealed class VmTasks(VmHost host, Action<VmMessage> post) : IAsyncDisposable
{
    private VmWatch? _observed;
    private CancellationTokenSource? _observing;
    private CancellationTokenSource? _waiting;

    /// <summary>Begins and ends tasks as the VM's state asks for it.</summary>
    public void Keep(VmWatch? watch, VmSpec spec, VmStatus? status)
    {
        if (!ReferenceEquals(watch, _observed)) Observe(watch, spec);
        bool isFull = watch is not null && status is { State: VmState.Paused, PauseCause: PauseCause.PoolFull };
        if (isFull && _waiting is null) Wait(spec);
        if (!isFull) End(ref _waiting);
    }

    /// <summary>The VM is not this host's any more.</summary>
    public void End()
    {
        _observed = null;
        End(ref _observing);
        End(ref _waiting);
    }

    public ValueTask DisposeAsync()
    {
        End();
        return ValueTask.CompletedTask;
    }

    private void Observe(VmWatch? watch, VmSpec spec)
    {
        End(ref _observing);
        _observed = watch;
        if (watch is null) return;
        _observing = new CancellationTokenSource();
        var observer = new VmObserver(watch, spec.ExpectedAddresses(), post, host.Time);
        var token = _observing.Token;
        _ = Task.Run(() => observer.RunAsync(token), CancellationToken.None);
    }

    private void Wait(VmSpec spec)
    {
        _waiting = new CancellationTokenSource();
        var token = _waiting.Token;
        _ = Task.Run(async () =>
        {
            try
            {
                await host.Resources.WaitForRoomAsync(spec, token);
                post(new VmMessage.RoomAgain());
            }
            catch (Exception end) when (end is OperationCanceledException or ProblemException)
            {
                // Resumed, stopped, or the pool is gone: a person is asked then.
            }
        }, CancellationToken.None);
    }

    private static void End(ref CancellationTokenSource? task)
    {
        task?.Cancel();
        task?.Dispose();
        task = null;
    }
}
