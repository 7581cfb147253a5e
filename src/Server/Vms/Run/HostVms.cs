using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// The VMs of this host: takes up what runs at the start of the daemon, keeps a runner for each VM that is assigned here, and wakes the one that
/// a change concerns.
/// </summary>
internal sealed partial class HostVms(VmHost host) : IAsyncDisposable
{
    private const int AttachAtOnce = 16;
    private static readonly TimeSpan TakingPatience = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger = host.Loggers.CreateLogger<HostVms>();
    private readonly ConcurrentDictionary<string, VmRunner> _runners = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isHostStopping;

    /// <summary>Completes when everything that ran is taken up.</summary>
    public Task Taken => _taken.Task;

    /// <summary>The VM's process on this host, for consoles, exec and reads; null: it has none.</summary>
    public IVm? TryGetRunning(string vmId) => _runners.TryGetValue(vmId, out var runner) ? runner.Running : null;

    /// <summary>Ids of the VMs that have a process here, on record or not.</summary>
    public IReadOnlyList<string> RunningIds => [.. _runners.Where(pair => pair.Value.Running is not null).Select(pair => pair.Key)];

    /// <summary>The processes here, of VMs on record or not.</summary>
    public IReadOnlyList<IVm> Processes => [.. _runners.Values.Select(runner => runner.Running).OfType<IVm>()];

    /// <summary>Takes up what runs, then follows the store, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var subscription = host.Cache.Subscribe(Keys.Vms.Spec, Keys.Vms.Assignment, Keys.Operations.Request, Keys.Disks.Spec, Keys.Hosts.Guests);
        await TakeUpAsync(subscription.Start, cancellationToken);
        _taken.TrySetResult();
        _ = Task.Run(() => new Autostart(host, Post).RunAsync(cancellationToken), CancellationToken.None);
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            if (batch.Resync) LookAtAll(batch.Snapshot);
            else foreach (var change in batch.Changes) Route(change, batch.Snapshot);
        }
    }

    /// <summary>As <see cref="TryGetRunning"/>, but waits while a daemon that has just started takes up what runs.</summary>
    public async Task<IVm?> FindRunningAsync(string vmId, CancellationToken cancellationToken)
    {
        if (TryGetRunning(vmId) is { } known) return known;
        try
        {
            await Taken.WaitAsync(TakingPatience, host.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Said as it is now.
        }

        return TryGetRunning(vmId);
    }

    public bool IsHostStopping => _isHostStopping;

    /// <summary>From now on nothing is started here: the host goes down.</summary>
    public void BeginHostStop() => _isHostStopping = true;

    /// <summary>These guests end with the host: they are asked to power off, and none starts by itself again.</summary>
    public void StopWithHost(IEnumerable<string> vmIds, HostStop stop)
    {
        foreach (string id in vmIds) Post(id, new VmMessage.HostStopping(stop));
    }

    /// <summary>Cuts the power of a VM without a store; root on the local socket may (decision 16).</summary>
    /// <returns>False: it has no process here.</returns>
    public async Task<bool> CutPowerAsync(string vmId)
    {
        if (!_runners.TryGetValue(vmId, out var runner) || runner.Running is null) return false;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        runner.Post(new VmMessage.CutPower(done));
        await done.Task;
        return true;
    }

    /// <summary>
    /// Lends a VM of this host, running or stopped, to a job, once nothing else is under way with it. Jobs of one VM come one after the other.
    /// Ends when the job's end is on record, with the failure of the job if it has one.
    /// </summary>
    /// <param name="vmId">The VM.</param>
    /// <param name="job">The work.</param>
    /// <param name="cancellationToken">Nobody wants it any more: a job that works is told and undoes what it did.</param>
    /// <exception cref="ProblemException">The VM is not on this host, is being deleted, or was stopped by force meanwhile; or the job's own.</exception>
    public async Task RunJobAsync(string vmId, IVmJob job, CancellationToken cancellationToken)
    {
        await Taken.WaitAsync(cancellationToken);
        var loan = new VmLoan(job, cancellationToken);
        if (Ensure(vmId, host.Cache.Snapshot) is not { } runner) throw VmFailures.NotHere(vmId);
        runner.Post(new VmMessage.Borrow(loan));
        runner.Post(new VmMessage.Look());
        await loan.Done;
    }

    /// <summary>
    /// Gives a VM that is between two hosts into the hands of its hand-over, whether or not it is this host's; what is under way with it ends first.
    /// Completes when the hand has let go.
    /// </summary>
    public async Task HoldAsync(string vmId, IVmHand hand, CancellationToken stopping)
    {
        await Taken.WaitAsync(stopping);
        var hold = new VmHold(hand, stopping);
        var runner = EnsureAny(vmId);
        runner.Post(new VmMessage.Hold(hold));
        runner.Post(new VmMessage.Look());
        // One that has its VM ends by itself when the daemon does.
        await using var stop = stopping.Register(hold.GiveUp);
        await hold.Done;
        runner.Post(new VmMessage.Look());
    }

    /// <summary>Ids of VMs of which a process is here, dead or alive, to which a guest was to come and which has never run it.</summary>
    public IReadOnlyList<string> ArrivingIds => [.. _runners.Where(pair => pair.Value.IsArriving).Select(pair => pair.Key)];

    /// <summary>Lets go of all VMs; their guests run on.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_runners.Values.Select(runner => runner.DisposeAsync().AsTask()));
        _runners.Clear();
    }

    private void Post(string vmId, VmMessage message)
    {
        if (_runners.TryGetValue(vmId, out var runner)) runner.Post(message);
    }

    private async Task TakeUpAsync(CacheSnapshot snapshot, CancellationToken cancellationToken)
    {
        string[] found = Directory.Exists(host.Instance.VmsDirectory) ? Directory.GetDirectories(host.Instance.VmsDirectory) : [];
        var options = new ParallelOptions { MaxDegreeOfParallelism = AttachAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(found, options, async (runtimeFolder, token) => await AttachAsync(runtimeFolder, token));
        foreach (var request in snapshot.All(Keys.Operations.Request))
        {
            if (!snapshot.Get(Keys.Operations.State, request.Id)?.Record.IsEnded() ?? true) Ask(request, snapshot);
        }

        foreach (var assignment in snapshot.All(Keys.Vms.Assignment)) Ensure(assignment.Id, snapshot);
        foreach (var runner in _runners.Values) runner.Post(new VmMessage.Look());
    }

    /// <summary>A process is taken up whether or not it is on record: a lost record kills nothing.</summary>
    private async Task AttachAsync(string runtimeFolder, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = await host.Engine.AttachAsync(runtimeFolder, cancellationToken);
            var definition = outcome.Record.Definition;
            string id = definition.Id.ToString();
            var runner = _runners.GetOrAdd(id, _ => new VmRunner(host, id));
            host.UserIds.Keep(definition.Uid);
            if (outcome.Vm is not { } vm)
            {
                runner.Post(new VmMessage.FoundDead(definition));
                runner.Start();
                return;
            }

            host.Memory.Keep(id, definition.MemoryMiB + definition.PluggedMemoryMiB, VmWords.AcceleratorOf(definition).Kind);
            var watch = new VmWatch(vm, runner.Post, host.Time);
            runner.TakeUp(watch);
            await watch.RefreshAsync();
            await watch.FindMissingAsync();
            watch.Listen();
            runner.Start();
            LogTakenUp(_logger, definition.Name, definition.Epoch, definition.Run);
        }
        catch (VmEngineException unreadable)
        {
            // The sweep lists what has no readable record; it is never removed with a process in it.
            LogUnreadable(_logger, runtimeFolder, unreadable.Message);
        }
    }

    private void Route(CacheChange change, CacheSnapshot snapshot)
    {
        if (change.Is(Keys.Operations.Request, out _, out var request))
        {
            if (request is not null) Ask(request, snapshot);
        }
        else if (change.Is(Keys.Disks.Spec, out _, out var disk))
        {
            if (disk?.Record.Vm is { } owner) Post(owner, new VmMessage.Look());
        }
        else if (change.Is(Keys.Hosts.Guests, out _, out _)) Post(change.Id[(change.Id.LastIndexOf('/') + 1)..], new VmMessage.Look());
        else if (change.Is(Keys.Vms.Spec, out _, out var spec) && spec is null) Drop(change.Id);
        else Ensure(change.Id, snapshot)?.Post(new VmMessage.Look());
    }

    private void LookAtAll(CacheSnapshot snapshot)
    {
        foreach (var request in snapshot.All(Keys.Operations.Request))
        {
            if (!snapshot.Get(Keys.Operations.State, request.Id)?.Record.IsEnded() ?? true) Ask(request, snapshot);
        }

        foreach (var assignment in snapshot.All(Keys.Vms.Assignment)) Ensure(assignment.Id, snapshot)?.Post(new VmMessage.Look());
        foreach (string id in _runners.Keys.Where(id => snapshot.Get(Keys.Vms.Spec, id) is null)) Drop(id);
    }

    private void Ask(CachedRecord<OperationRequest> request, CacheSnapshot snapshot)
    {
        if (request.Record.Target.Kind != "vm" || !VmOperations.All.Contains(request.Record.Kind)) return;
        Ensure(request.Record.Target.Id, snapshot)?.Post(new VmMessage.Asked(request.Id, request.Record.Kind));
    }

    private VmRunner? Ensure(string vmId, CacheSnapshot snapshot)
    {
        if (_runners.TryGetValue(vmId, out var known)) return known;
        if (snapshot.Get(Keys.Vms.Assignment, vmId)?.Record.Host != host.HostId || snapshot.Get(Keys.Vms.Spec, vmId) is null) return null;
        var runner = new VmRunner(host, vmId);
        if (!_runners.TryAdd(vmId, runner)) return _runners[vmId];
        runner.Start();
        return runner;
    }

    private VmRunner EnsureAny(string vmId)
    {
        if (_runners.TryGetValue(vmId, out var known)) return known;
        var runner = new VmRunner(host, vmId);
        if (!_runners.TryAdd(vmId, runner)) return _runners[vmId];
        runner.Start();
        return runner;
    }

    /// <summary>The records of a VM are gone. One that still has a process keeps its runner: it is an orphan, shown by the sweep.</summary>
    private void Drop(string vmId)
    {
        if (!_runners.TryGetValue(vmId, out var runner) || runner.Running is not null) return;
        if (_runners.TryRemove(vmId, out runner)) _ = runner.DisposeAsync().AsTask();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "VM {Name} is taken up at epoch {Epoch}, run {Run}")]
    private static partial void LogTakenUp(ILogger logger, string name, long epoch, long run);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder} has no readable record of a VM: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string folder, string reason);
}
