using System.Runtime.InteropServices;
using System.Threading.Channels;
using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Engine.Serial;

namespace Lamina.Testing.Engine;

/// <summary>A handle on a <see cref="FakeGuest"/>; it keeps the promises of <see cref="IVm"/>, the gate included.</summary>
public sealed partial class FakeVm : IVm
{
    private readonly FakeGuest _guest;
    private readonly Channel<VmEvent> _events = Channel.CreateUnbounded<VmEvent>();
    private readonly CancellationTokenSource _detached = new();
    private readonly Task _serialPump;

    internal FakeVm(FakeGuest guest, string? monitorTrouble)
    {
        _guest = guest;
        MonitorAnswers = true;
        if (monitorTrouble != null) SetMonitor(monitorTrouble);
        _serialPump = Serial.PumpAsync(guest.SerialLine.Near, _detached.Token);
        Agent = new GuestAgent(guest.ConnectAgent, TimeProvider.System);
    }

    public Guid Id => Definition.Id;
    public long Epoch => Definition.Epoch;
    public long Run => Definition.Run;
    public VmDefinition Definition => _guest.Definition;
    public RunRecord Record => _guest.Record;
    public ChannelReader<VmEvent> Events => _events.Reader;
    public bool MonitorAnswers { get; private set; }
    public string StderrTail => _guest.StderrTail;
    public SerialConsole Serial { get; } = new();
    public GuestAgent Agent { get; }

    public async Task<RunState> QueryStateAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("QueryState", needsMonitor: true, cancellationToken);
        return _guest.State;
    }

    public async Task ContinueAsync(ContinuePermit? permit, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("Continue", needsMonitor: true, cancellationToken);
        ContinueGate.Check(_guest.State, Epoch, Run, permit, Definition.MigratesIn);
        _guest.Arrived();
        _guest.Become(RunState.Running, vm => new VmResumed(vm.Epoch, vm.Run));
    }

    public async Task PauseAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("Pause", needsMonitor: true, cancellationToken);
        _guest.Become(RunState.Paused, vm => new VmStopped(vm.Epoch, vm.Run));
    }

    public async Task ResetAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("Reset", needsMonitor: true, cancellationToken);
        _guest.Become(_guest.State, vm => new VmReset(vm.Epoch, vm.Run, ByGuest: false, "host-qmp-system-reset"));
    }

    public async Task PowerDownAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("PowerDown", needsMonitor: true, cancellationToken);
        _guest.OnPowerButton?.Invoke(_guest);
    }

    public async Task QuitAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("Quit", needsMonitor: true, cancellationToken);
        _guest.Die(exitCode: 0);
    }

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("Kill", needsMonitor: false, cancellationToken);
        _guest.Die(signal: 9);
    }

    public async Task<IReadOnlyList<DiskProblem>> QueryDiskProblemsAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("QueryDiskProblems", needsMonitor: true, cancellationToken);
        return _guest.DiskProblems;
    }

    public async Task ReviseAsync(VmDefinition definition, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("Revise", needsMonitor: false, cancellationToken);
        _guest.Revise(definition);
    }

    public async Task AddLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("AddLayers", needsMonitor: true, cancellationToken);
        foreach (var layer in layers) _guest.OpenLayers.Add(DiskChain.NodeOf(layer));
    }

    public async Task UseLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("UseLayers", needsMonitor: true, cancellationToken);
        foreach (var layer in layers)
        {
            if (!_guest.OpenLayers.Contains(DiskChain.NodeOf(layer))) throw new QmpErrorException("transaction", "GenericError", $"Cannot find {DiskChain.NodeOf(layer)}");
        }

        foreach (var layer in layers) _guest.UsedLayers.Add(DiskChain.NodeOf(layer));
    }

    public async Task<bool> AreLayersUsedAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("AreLayersUsed", needsMonitor: true, cancellationToken);
        if (layers.Count == 0 || !_guest.UsedLayers.Contains(DiskChain.NodeOf(layers[0]))) return false;
        _guest.Revise(DiskChain.With(Definition, layers));
        return true;
    }

    public async Task DropLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("DropLayers", needsMonitor: true, cancellationToken);
        foreach (var layer in layers) _guest.OpenLayers.Remove(DiskChain.NodeOf(layer));
    }

    public Task MergeLayerAsync(string job, int slot, string path, Action<int> onPercent, CancellationToken cancellationToken) =>
        _guest.RecordCallAsync("MergeLayer", needsMonitor: true, cancellationToken);

    public async Task FinishMergeAsync(string job, int slot, string path, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("FinishMerge", needsMonitor: true, cancellationToken);
        _guest.Revise(DiskChain.Without(Definition, slot, path));
    }

    public async Task<MirrorPhase> FindMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("FindMirror", needsMonitor: true, cancellationToken);
        return _guest.Mirrors.GetValueOrDefault(mirror.Job);
    }

    public async Task MirrorDiskAsync(DiskMirror mirror, Action<int> onPercent, CancellationToken cancellationToken)
    {
        _guest.Mirrors.TryAdd(mirror.Job, MirrorPhase.UnderWay);
        await _guest.RecordCallAsync("MirrorDisk", needsMonitor: true, cancellationToken);
        onPercent(100);
    }

    public async Task FinishMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("FinishMirror", needsMonitor: true, cancellationToken);
        if (!_guest.Mirrors.ContainsKey(mirror.Job)) throw new QmpErrorException("job-complete", "GenericError", "Job not found");
        _guest.Mirrors[mirror.Job] = MirrorPhase.Switched;
        _guest.Revise(DiskChain.Switched(Definition, mirror));
    }

    public async Task<MirrorPhase> CloseMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("CloseMirror", needsMonitor: true, cancellationToken);
        if (_guest.Mirrors.GetValueOrDefault(mirror.Job) == MirrorPhase.Switched) return MirrorPhase.Switched;
        _guest.Mirrors.Remove(mirror.Job);
        return MirrorPhase.None;
    }

    public async Task SaveMemoryAsync(SafeHandle file, Action<int> onPercent, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("SaveMemory", needsMonitor: true, cancellationToken);
        RandomAccess.Write((Microsoft.Win32.SafeHandles.SafeFileHandle)file, "memory"u8, 0);
        _guest.Become(RunState.PostMigrate, vm => new VmStopped(vm.Epoch, vm.Run));
    }

    public Task AbandonMemoryAsync(CancellationToken cancellationToken) => _guest.RecordCallAsync("AbandonMemory", needsMonitor: true, cancellationToken);

    public async Task LoadMemoryAsync(SafeHandle file, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("LoadMemory", needsMonitor: true, cancellationToken);
        _guest.Become(RunState.Paused, describe: null);
    }

    public async Task ChangeAsync(VmChange change, CancellationToken deadline, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync(change.GetType().Name, needsMonitor: true, cancellationToken);
        await _guest.ChangeAsync(change, deadline, cancellationToken);
    }

    public async Task<IReadOnlyList<string>> FindMissingAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("FindMissing", needsMonitor: true, cancellationToken);
        return _guest.MissingDevices;
    }

    public async Task<BalloonInfo> QueryBalloonAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("QueryBalloon", needsMonitor: true, cancellationToken);
        return new BalloonInfo { Actual = _guest.BalloonBytes };
    }

    public async Task<VmCounters> QueryCountersAsync(TimeSpan guestInterval, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("QueryCounters", needsMonitor: true, cancellationToken);
        return _guest.Counters;
    }

    public async Task SetBalloonAsync(long bytes, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("SetBalloon", needsMonitor: true, cancellationToken);
        _guest.BalloonBytes = bytes;
    }

    public Task AddVncClientAsync(SafeHandle socket, CancellationToken cancellationToken) =>
        _guest.RecordCallAsync("AddVncClient", needsMonitor: true, cancellationToken);

    public async Task<byte[]> CaptureScreenAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("CaptureScreen", needsMonitor: true, cancellationToken);
        return _guest.Picture;
    }

    public async Task<TResult> ExecuteAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(command.Name, QmpCommands.Continue.Name);
        await _guest.RecordCallAsync(command.Name, needsMonitor: true, cancellationToken);
        return (TResult)(_guest.OnExecute ?? throw new QmpErrorException(command.Name, "CommandNotFound", "no script for it"))(command.Name, arguments);
    }

    /// <summary>Detaches; the guest lives on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_detached.IsCancellationRequested) return;
        _guest.Detach(this);
        _events.Writer.TryComplete();
        await _detached.CancelAsync();
        await _serialPump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _detached.Dispose();
        await Agent.DisposeAsync();
    }

    internal void Publish(VmEvent happened) => _events.Writer.TryWrite(happened);

    internal void SetMonitor(string? trouble)
    {
        if (MonitorAnswers == (trouble == null)) return;
        MonitorAnswers = trouble == null;
        Publish(trouble == null ? new VmMonitorRestored(Epoch, Run) : new VmMonitorLost(Epoch, Run, trouble));
    }

    internal void End(VmExited exited)
    {
        Publish(exited);
        _events.Writer.TryComplete();
        Serial.Complete();
    }
}
