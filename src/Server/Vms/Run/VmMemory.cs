using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// What a runner remembers of its VM between two messages. Owned by the runner's loop and touched by nobody else. Nothing in it is needed to
/// be right after a restart of the daemon: the plan works from the store and the host alone.
/// </summary>
internal sealed class VmMemory(TimeProvider time)
{
    private const string OperationCancelled = "operation.cancelled";

    private long? _statusAt;
    private long? _buttonAt;
    private string? _buttonOrder;
    private RunState? _state;
    private bool _isSilent;
    private string? _diskError;
    private bool _noSpace;
    private bool _resetTold;
    private bool _guestReset;
    private bool _watchdogFired;
    private VmObservation? _observation;
    private VmExit? _exit;
    private bool _isCut;
    private bool _poolHasRoom;
    private readonly Dictionary<VmLiveChange, Failure> _declined = [];
    private readonly HashSet<string> _lost = new(StringComparer.Ordinal);
    private IReadOnlyList<string> _changes = [];

    public VmCommitted? Committed { get; private set; }

    public VmUnsettled? Unsettled { get; private set; }

    public VmWatch? Watch { get; private set; }

    public StepFailure? Failure { get; private set; }

    public bool Deleted { get; private set; }

    public bool DisksMade { get; private set; }

    public bool AutostartDue { get; private set; }

    public HostStop? HostStop { get; set; }

    /// <summary>False between the finding of a process and its first answer: no plan is made on a guess.</summary>
    public bool IsCertain => Unsettled is null && (Watch is null || _isSilent || _state is not null);

    /// <summary>What the host still holds for a process that has ended.</summary>
    public VmRemains? Remains { get; private set; }

    public void Load(VmCommitted? committed)
    {
        Committed = committed;
        _statusAt = time.GetTimestamp();
    }

    public void Adopt(VmWatch watch)
    {
        Watch = watch;
        _state = null;
        _isSilent = !watch.Vm.MonitorAnswers;
        _diskError = null;
        _noSpace = false;
        _resetTold = false;
        _guestReset = false;
        _watchdogFired = false;
        _observation = null;
        _exit = null;
        _isCut = false;
        _declined.Clear();
        _lost.Clear();
    }

    public IReadOnlySet<string> Lost => _lost;

    /// <summary>A new wish is a new try, also of what was refused before.</summary>
    public void Expect(IReadOnlyList<ChangeOrder> changes)
    {
        if (changes.Any(change => !_changes.Contains(change.Operation))) _declined.Clear();
        _changes = [.. changes.Select(change => change.Operation)];
    }

    /// <summary>Of a process nothing is left, nor of its remains.</summary>
    public void Drop(VmWatch? watch)
    {
        if (watch is not null && ReferenceEquals(watch, Watch)) Watch = null;
        Remains = null;
    }

    public void FoundDead(VmDefinition definition) => Remains = new VmRemains(definition, null);

    public void AutostartNow() => AutostartDue = true;

    public void RoomAgain() => _poolHasRoom = true;

    /// <summary>Root cuts the power of the present process.</summary>
    public void Cut() => _isCut = true;

    /// <summary>Takes in what the engine tells; what an earlier process still had to say is not heard.</summary>
    public void Hear(VmMessage.Told told)
    {
        if (!ReferenceEquals(told.Watch, Watch)) return;
        switch (told.Event)
        {
            case VmExited exited:
                _exit = new VmExit(exited.Run, VmWords.OfExit(exited)) { IsCut = _isCut };
                Bury(Watch);
                return;
            case VmMonitorLost:
                _isSilent = true;
                return;
            case VmMonitorRestored:
                _isSilent = false;
                break;
            case VmBlockIoError error:
                _poolHasRoom = false;
                _diskError = $"{error.Device}: {error.Reason}";
                _noSpace = error.NoSpace;
                break;
            case VmDeviceDeleted deleted:
                _lost.Add(deleted.Device);
                _declined.Clear();
                break;
            case VmDeviceChanged:
                _declined.Clear();
                break;
            case VmReset reset:
                _resetTold = true;
                _guestReset |= reset.ByGuest;
                break;
            case VmWatchdogFired:
                _watchdogFired = true;
                break;
        }

        if (told.State is { } state) _state = state;
        if (_state is null && told.Event is null) _isSilent = true;
        else if (told.State is not null) _isSilent = false;
        if (told.Problems.Count == 0) return;
        _noSpace = told.Problems.Any(problem => problem.NoSpace);
        _diskError ??= string.Join(", ", told.Problems.Select(problem => problem.Device));
    }

    public void Hear(VmMessage.Observed observed)
    {
        if (!ReferenceEquals(observed.Watch, Watch)) return;
        bool isNewBoot = observed.Observation.Agent?.BootId is { } boot && _observation?.Agent?.BootId is { } before && before != boot;
        _observation = observed.Observation with { ResetTold = _resetTold };
        if (isNewBoot) _resetTold = false;
    }

    public void Conclude(VmStepResult result, string? order)
    {
        if (result.Committed is { } committed) Load(committed);
        Unsettled = result.Unsettled;
        if (result.Released) Remains = null;
        if (result.Ended is { } ended) Conclude(ended, result.Step is VmStep.End { NeverRan: true });

        if (result.StoreAway || result.Overtaken || result.Step is VmStep.Rest) return;
        Failure = result.Failure is { } failure ? new StepFailure(result.Step, failure) : null;
        if (result.Step is VmStep.Change change) Conclude(change, result.Failure);
        if (result.Failure is not null) return;
        switch (result.Step)
        {
            case VmStep.PressPowerButton:
                _buttonAt = time.GetTimestamp();
                _buttonOrder = order;
                break;
            case VmStep.MakeDisks:
                DisksMade = true;
                break;
            case VmStep.DeleteResources:
                Deleted = true;
                break;
            case VmStep.Start:
                AutostartDue = false;
                break;
            case VmStep.Write { News.Kind: VmGuestState.GuestReset }:
                _guestReset = false;
                break;
            case VmStep.Write { News.Kind: VmGuestState.WatchdogFired }:
                // QEMU resets the guest after it has told of the watchdog: that is no second news.
                _watchdogFired = false;
                _guestReset = false;
                break;
        }
    }

    /// <summary>
    /// What never ran has not ended either: nothing is known of how, and its start is begun anew. The process may have told of its end before its
    /// ending was over.
    /// </summary>
    private void Conclude(VmWatch ended, bool neverRan)
    {
        if (neverRan) _exit = _exit?.Run == ended.Vm.Run ? null : _exit;
        else if (ReferenceEquals(ended, Watch)) _exit = new VmExit(ended.Vm.Run, "it was ended as asked");
        if (ReferenceEquals(ended, Watch)) Bury(ended);
    }

    private void Conclude(VmStep.Change change, Failure? refusal)
    {
        string? device = DeviceOf(change.What);
        if (refusal is null)
        {
            _declined.Remove(change.What);
            if (device is not null) _lost.Remove(device);
            return;
        }

        // Something of it may be on record that is not there.
        if (device is not null && change.What.Kind is VmLiveKind.PlugDisk or VmLiveKind.PlugCdrom or VmLiveKind.PlugNic) _lost.Add(device);
        if (refusal.Code != OperationCancelled) _declined[change.What] = refusal;
    }

    private static string? DeviceOf(VmLiveChange what) => what.Kind switch
    {
        VmLiveKind.Forget => what.Wanted,
        VmLiveKind.PlugDisk or VmLiveKind.UnplugDisk => $"disk{what.Slot}",
        VmLiveKind.PlugCdrom or VmLiveKind.UnplugCdrom => $"cd{what.Slot}",
        VmLiveKind.PlugNic or VmLiveKind.UnplugNic => $"nic{what.Slot}",
        _ => null,
    };

    public VmSeen See(string hostBootId, string? order, bool disksMade, IReadOnlyList<VmDifference> differences, IReadOnlyList<string> strays) => new()
    {
        HostBootId = hostBootId,
        Status = Committed?.Status,
        Process = Process(),
        Exit = _exit,
        DisksMade = disksMade || DisksMade,
        Deleted = Deleted,
        PoolHasRoom = _poolHasRoom,
        AutostartDue = AutostartDue,
        HostStop = HostStop,
        SinceButton = _buttonAt is { } pressed && _buttonOrder == order ? time.GetElapsedTime(pressed) : null,
        SinceStatus = _statusAt is { } written ? time.GetElapsedTime(written) : TimeSpan.MaxValue,
        Observation = _observation,
        GuestReset = _guestReset,
        WatchdogFired = _watchdogFired,
        Differences = differences,
        Declined = _declined,
        Strays = strays,
        Failure = Failure,
    };

    private void Bury(VmWatch dead)
    {
        Remains = new VmRemains(dead.Vm.Definition, dead);
        Watch = null;
    }

    private VmProcess? Process() => Watch?.Vm is not { } vm ? null : new VmProcess(vm.Epoch, vm.Run, _isSilent ? null : _state)
    {
        Accelerator = VmWords.AcceleratorOf(vm.Definition),
        StartedAt = vm.Record.StartedAt,
        NoSpace = _noSpace,
        DiskError = _diskError,
    };
}
