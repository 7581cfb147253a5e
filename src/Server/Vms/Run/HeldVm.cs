using System.Threading.Channels;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>A VM in the hands of a hand-over, on one of its two hosts. Used by the hand's task only, save for <see cref="Wake"/> and <see cref="Hear"/>.</summary>
internal sealed class HeldVm(VmHost host, string id, VmWatch? watch, VmDefinition? remains, VmCommits commits, Action<VmMessage> post)
{
    private static readonly TimeSpan QuitPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CachePatience = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _woken = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private VmWatch? _watch = watch;
    private volatile VmWatch? _dead;

    public string Id => id;

    /// <summary>The process here; null: none lives.</summary>
    public IVm? Vm => _watch is { } known && !ReferenceEquals(known, _dead) ? known.Vm : null;

    /// <summary>What a process here ran with that is dead, and whose remains were not removed; null: there are none.</summary>
    public VmDefinition? Remains => _watch is { } known ? ReferenceEquals(known, _dead) ? known.Vm.Definition : null : _found;

    private VmDefinition? _found = remains;

    /// <summary>The VM's status as this hand has written it; null: it has not.</summary>
    internal VmCommitted? Committed { get; private set; }

    /// <summary>Something has changed: look again. From any thread.</summary>
    public void Wake() => _woken.Writer.TryWrite(true);

    /// <summary>What the engine tells. From the runner's loop.</summary>
    internal void Hear(VmMessage.Told told)
    {
        if (told.Event is VmExited) _dead = told.Watch;
        Wake();
    }

    /// <summary>Until something has changed or the time is over.</summary>
    public async Task WaitAsync(TimeSpan? longest, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(longest is { } time && time > TimeSpan.Zero ? time : longest is null ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(1), host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await _woken.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is over.
        }
    }

    /// <summary>Makes a process with its CPUs stopped, to which the guest shall come. What was made for it is the process's from then on.</summary>
    /// <exception cref="VmEngineException">It could not be made.</exception>
    public async Task CreateAsync(VmDefinition definition, CancellationToken cancellationToken)
    {
        var vm = await host.Engine.StartPausedAsync(definition, cancellationToken);
        var made = new VmWatch(vm, post, host.Time);
        post(new VmMessage.Attached(made));
        made.Listen();
        await made.RefreshAsync();
        _watch = made;
        _found = null;
    }

    /// <summary>Ends the process here; its remains stay, and what they say.</summary>
    public async Task KillAsync()
    {
        if (Vm is not { } living) return;
        using var deadline = new CancellationTokenSource(QuitPatience, host.Time);
        await VmEnding.EndAsync(living, deadline.Token);
        _dead = _watch;
    }

    /// <summary>Ends the process here, if one lives, and gives back what it held. Who may is the hand's plan's to say.</summary>
    public async Task EndAsync()
    {
        await KillAsync();
        if ((_watch?.Vm.Definition ?? _found) is not { } definition) return;
        if (_watch is { } ended) await ended.DisposeAsync();
        await host.Resources.ReleaseAsync(definition);
        host.Memory.Release(id);
        host.UserIds.Release(definition.Uid);
        post(new VmMessage.Dropped(_watch));
        (_watch, _found) = (null, null);
    }

    /// <summary>
    /// Lets the guest's CPUs run, through the one gate, on the store's word. Nothing else leads out of the states of a migration: a guest that was paused is halted again at once.
    /// </summary>
    /// <param name="decided">The hand-over as it is known to be in the store.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task GoOnAsync(VmHandover decided, CancellationToken cancellationToken)
    {
        var living = Vm ?? throw new InvalidOperationException("A VM without a process cannot go on.");
        await VmGate.ContinueAsync(living, decided, host.HostId, cancellationToken);
        if (decided.Paused) await living.PauseAsync(cancellationToken);
        if (_watch is { } known) await known.RefreshAsync();
    }

    /// <summary>The guest that has come here stays paused: its process has its disks from now on, on the store's word.</summary>
    /// <param name="decided">The hand-over as it is known to be in the store.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task TakeHaltedAsync(VmHandover decided, CancellationToken cancellationToken)
    {
        await VmGate.TakeHaltedAsync(Vm ?? throw new InvalidOperationException("A VM without a process has nothing to take."), decided, host.HostId, cancellationToken);
        if (_watch is { } known) await known.RefreshAsync();
    }

    /// <summary>Writes the VM's status, which is this host's to write; tries until the store answers.</summary>
    /// <returns>False: the VM is not this host's any more, or somebody else has written it.</returns>
    public async Task<bool> WriteAsync(string label, Func<VmStatus, VmStatus> status, VmNews? news, CancellationToken stopping)
    {
        if (commits.Read() is not { } before) return false;
        var report = new VmReport(label, status(before.Status)) { News = news };
        var result = await commits.WriteAsync(new VmStep.Rest(), report, before, null, stopping);
        while (result.StoreAway)
        {
            await Task.Delay(StorePause, host.Time, stopping);
            result = result.Unsettled is { } unsettled
                ? await commits.SettleAsync(result.Step, unsettled, stopping)
                : await commits.WriteAsync(result.Step, report, before, null, stopping);
        }

        if (result.Committed is not { } known) return false;
        Committed = known;
        await host.Cache.WaitForRevisionAsync(known.Revision, CachePatience, stopping);
        return true;
    }
}
