using System.Diagnostics.CodeAnalysis;
using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Engine.Serial;

namespace Lamina.Testing.Engine;

/// <summary>
/// The process and the guest behind <see cref="FakeVm"/> handles. Tests read <see cref="Calls"/> and play the guest's part:
/// power off, crash, fill the disk, stop answering. Events reach the handle that is attached at that moment, if any.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A handle belongs to whoever attached.")]
public sealed partial class FakeGuest
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _calls = [];
    private readonly List<VmChange> _changes = [];
    private readonly FakeWire _wire;
    private FakeVm? _handle;
    private string? _monitorTrouble;

    /// <param name="definition">The machine.</param>
    /// <param name="wire">What it can migrate over; null = one of its own, which leads nowhere.</param>
    public FakeGuest(VmDefinition definition, FakeWire? wire = null)
    {
        _wire = wire ?? new FakeWire();
        _wire.Add(this);
        Record = new RunRecord
        {
            Definition = definition, HostBootId = "fake-boot", StartedAt = DateTimeOffset.UnixEpoch, Arguments = ["fake-qemu"],
            EngineVersion = "7.2.22",
        };
        SerialLine = DuplexStream.Pair();
        State = definition.Incoming || definition.MigratesIn ? RunState.InMigrate : RunState.PreLaunch;
    }

    public VmDefinition Definition => Record.Definition;

    /// <summary>Completes when the process is no more.</summary>
    public Task Ended => _ended.Task;

    public RunRecord Record { get; private set; }
    public RunState State { get; private set; }
    /// <summary>Nodes of layers that are open beside the chains.</summary>
    public HashSet<string> OpenLayers { get; } = [];
    /// <summary>Those of them that were put on top.</summary>
    public HashSet<string> UsedLayers { get; } = [];

    /// <summary>By their jobs.</summary>
    public Dictionary<string, MirrorPhase> Mirrors { get; } = [];
    public bool IsAlive { get; private set; } = true;
    /// <summary>Every call a handle made, by its method's name without Async, in order.</summary>
    public IReadOnlyList<string> Calls
    {
        get { lock (_lock) return [.. _calls]; }
    }
    /// <summary>Every change asked for, in order.</summary>
    public IReadOnlyList<VmChange> Changes
    {
        get { lock (_lock) return [.. _changes]; }
    }
    /// <summary>Called at each change, with the token that says when the guest's time is over; an exception fails it, a pending task delays it.</summary>
    public Func<VmChange, CancellationToken, Task>? OnChange { get; set; }
    /// <summary>What the machine does not have, though the record says so.</summary>
    public IReadOnlyList<string> MissingDevices { get; set; } = [];
    public string StderrTail { get; set; } = "";
    /// <summary>What its screen shows, as PNG.</summary>
    public byte[] Picture { get; set; } = [];

    public long BalloonBytes { get; set; }
    /// <summary>What it answers when asked to count.</summary>
    public VmCounters Counters { get; set; } = new();
    public IReadOnlyList<DiskProblem> DiskProblems { get; set; } = [];
    /// <summary>Called at each call with its name; an exception fails it, a pending task delays it.</summary>
    public Func<string, Task>? OnCall { get; set; }
    /// <summary>Answers monitor commands of borrowed jobs: command and arguments in, result out.</summary>
    public Func<string, object?, object>? OnExecute { get; set; }
    /// <summary>What the guest does when the power button is pressed; null = nothing, as a hung guest.</summary>
    public Action<FakeGuest>? OnPowerButton { get; set; } = guest => guest.PowerOff();
    /// <summary>Connects to a scripted agent; the default never answers, as a guest without one.</summary>
    public Func<CancellationToken, ValueTask<Stream>> ConnectAgent { get; set; } = _ => ValueTask.FromResult<Stream>(DuplexStream.Pair().Near);
    /// <summary>Near is the console's end, Far is where a test writes the guest's output and reads what was typed.</summary>
    public (DuplexStream Near, DuplexStream Far) SerialLine { get; }

    /// <summary>A handle as <see cref="FakeEngine"/> gives it out; the former one gets no more events.</summary>
    public FakeVm Attach()
    {
        lock (_lock) return _handle = new FakeVm(this, _monitorTrouble);
    }

    /// <summary>The guest powers itself off; its process stays, in state shutdown.</summary>
    public void PowerOff(string reason = "guest-shutdown") =>
        Become(RunState.Shutdown, vm => new VmShutdown(vm.Epoch, vm.Run, ByGuest: true, reason));

    public void Reboot(string reason = "guest-reset") => Become(State, vm => new VmReset(vm.Epoch, vm.Run, ByGuest: true, reason));

    /// <summary>A disk request fails and stops the guest.</summary>
    public void FailDisk(string device, bool noSpace)
    {
        DiskProblems = [new DiskProblem(device, noSpace)];
        Become(RunState.IoError, vm => new VmBlockIoError(vm.Epoch, vm.Run, device, device, noSpace, Stopped: true,
            noSpace ? "No space left on device" : "Input/output error"));
    }

    /// <summary>The process ends, by itself or by somebody else's hand.</summary>
    public void Die(int? exitCode = null, int? signal = null)
    {
        lock (_lock)
        {
            if (!IsAlive) return;
            IsAlive = false;
            _ended.TrySetResult();
            _handle?.End(new VmExited(Definition.Epoch, Definition.Run, exitCode, signal, StderrTail));
        }

        _wire.Ended(this);
        lock (_wire.MigrationLock) Signal();
    }

    /// <summary>Somebody sends the process SIGTERM: it says so on its monitor and ends in good order.</summary>
    public void Terminate()
    {
        Become(RunState.Shutdown, vm => new VmShutdown(vm.Epoch, vm.Run, ByGuest: false, "host-signal"));
        Die(exitCode: 0);
    }

    /// <summary>The monitor stops answering; the guest runs on.</summary>
    public void LoseMonitor(string reason)
    {
        lock (_lock)
        {
            _monitorTrouble = reason;
            _handle?.SetMonitor(reason);
        }
    }

    public void RestoreMonitor()
    {
        lock (_lock)
        {
            _monitorTrouble = null;
            _handle?.SetMonitor(null);
        }
    }

    /// <summary>Puts the guest into a state that no method above leads to, such as a migration's.</summary>
    public void ForceState(RunState state)
    {
        lock (_lock) State = state;
    }

    internal async Task ChangeAsync(VmChange change, CancellationToken deadline, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _changes.Add(change);
            if (change is VmChange.PlugDisk plug && Definition.Disks.Any(disk => disk.Slot == plug.Disk.Slot && disk.Serial != plug.Disk.Serial))
                throw new QmpErrorException("device_add", "GenericError", $"Duplicate device ID 'disk{plug.Disk.Slot}'");
        }
        if (OnChange is { } hook) await hook(change, deadline).WaitAsync(cancellationToken);
        lock (_lock) Record = Record with { Definition = change.ApplyTo(Definition) };
    }

    /// <summary>The guest gives a device back of its own accord, as one does that was asked to in vain.</summary>
    public void GiveBack(string device)
    {
        lock (_lock) _handle?.Publish(new VmDeviceDeleted(Definition.Epoch, Definition.Run, device));
    }

    internal void Revise(VmDefinition definition)
    {
        lock (_lock)
        {
            RevisionRules.Require(Definition, definition);
            Record = Record with { Definition = definition };
        }
    }

    internal async Task RecordCallAsync(string name, bool needsMonitor, CancellationToken cancellationToken)
    {
        lock (_lock) _calls.Add(name);
        if (OnCall is { } hook) await hook(name).WaitAsync(cancellationToken);
        lock (_lock)
        {
            if (!IsAlive && needsMonitor) throw new QmpClosedException($"{name}: the process has ended.");
            if (_monitorTrouble != null && needsMonitor) throw new QmpClosedException($"{name}: {_monitorTrouble}");
        }
    }

    internal void Become(RunState state, Func<FakeVm, VmEvent>? describe)
    {
        lock (_lock)
        {
            if (!IsAlive) return;
            if (state == RunState.Running && State != state) _wire.Runs(this);
            State = state;
            if (_handle is { } handle && describe != null) handle.Publish(describe(handle));
        }
    }

    internal void Detach(FakeVm handle)
    {
        lock (_lock)
            if (_handle == handle) _handle = null;
    }
}
