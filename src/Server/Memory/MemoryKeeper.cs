using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Linux.Host;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Metrics;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Memory;

/// <summary>
/// Looks at each sample of the metrics and does what the policies say: moves balloons, switches the merging of pages, tells people when memory is
/// short. It remembers only what it asked of whom and when; a daemon that starts anew finds the balloons as they are.
/// </summary>
internal sealed partial class MemoryKeeper(
    LocalHost host, HostVms vms, IStore store, Cache cache, EventLog events, TimeProvider time, ILogger<MemoryKeeper> logger)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, BalloonAsked> _asked = new(StringComparer.Ordinal);
    private MemoryAlarm _alarm = MemoryAlarm.Silent;
    private volatile int _phase = (int)BalloonPhase.Idle;

    public BalloonPhase Phase => (BalloonPhase)_phase;

    /// <summary>What brings it the samples. What fails once is tried at the next one.</summary>
    public LatestView Samples() => new(KeepAsync, failure => LogFailed(logger, failure));

    internal async Task KeepAsync(MetricView view, CancellationToken cancellationToken)
    {
        if (view.Host is not { } reading) return;
        var policy = cache.Snapshot.Get(Keys.Hosts.Spec, host.Id)?.Record.Memory ?? new HostMemoryPolicy();
        SwitchKsm(policy.Ksm, reading);
        await MoveBalloonsAsync(policy, view, reading, cancellationToken);
        if (view.HostFigures is { } figures) await TellAsync(figures, cancellationToken);
    }

    private void SwitchKsm(KsmMode mode, HostReading reading)
    {
        if (reading.Ksm is not { } ksm || KsmPolicy.Next(mode, ksm.Runs, reading.Memory.TotalBytes, reading.Memory.AvailableBytes) is not { } runs) return;
        Ksm.Switch(runs);
        LogKsm(logger, runs ? "merges" : "merges no longer", mode);
    }

    private async Task MoveBalloonsAsync(HostMemoryPolicy policy, MetricView view, HostReading reading, CancellationToken cancellationToken)
    {
        var guests = view.Vms.Values.Select(GuestOf).OfType<BalloonGuest>().ToList();
        foreach (string gone in _asked.Keys.Where(id => !view.Vms.ContainsKey(id)).ToList()) _asked.Remove(gone);
        var state = new BalloonHost(reading.Memory.TotalBytes, reading.Memory.AvailableBytes, reading.MemoryPressure?.Full?.Avg10Percent ?? 0);
        var plan = BalloonPolicy.Next(Phase, policy.Balloon, state, guests);
        if (plan.Phase != Phase) LogPhase(logger, Phase, plan.Phase, reading.Memory.AvailableBytes >> 20, reading.Memory.TotalBytes >> 20);
        _phase = (int)plan.Phase;
        foreach (var order in plan.Orders) await AskAsync(order, cancellationToken);
    }

    /// <summary>Null: it has no balloon yet, does not run, or somebody else has it in hand.</summary>
    private BalloonGuest? GuestOf(VmReading vm)
    {
        var snapshot = cache.Snapshot;
        if (vm.Answer is not { } answer || answer.Counters.BalloonBytes is not { } left || snapshot.Get(Keys.Vms.Spec, vm.Id)?.Record is not { } spec) return null;
        if (snapshot.Get(Keys.Vms.Status, vm.Id)?.Record is not { State: VmState.Running, Job: null } || spec.Deleting is not null) return null;
        var asked = _asked.TryGetValue(vm.Id, out var known) && known.Run == vm.Run ? known : null;
        long memory = Math.Max(vm.MemoryBytes, left);
        long? fixedBytes = (long?)spec.BalloonMiB << 20;
        return new BalloonGuest
        {
            Id = vm.Id,
            MemoryBytes = memory,
            LeftBytes = left,
            TargetBytes = asked?.TargetBytes ?? left,
            MinimumBytes = spec.MemoryMinMiB is { } least ? (long)least << 20 : memory / 2,
            ResidentBytes = vm.GuestResidentBytes ?? left,
            AvailableBytes = answer.Counters.Guest is { } told && BalloonRest.IsTold(asked, left, told.At, answer.Timestamp, time) ? told.AvailableBytes : null,
            FixedBytes = fixedBytes is { } wanted ? Math.Min(wanted, memory) : null,
        };
    }

    private async Task AskAsync(BalloonOrder order, CancellationToken cancellationToken)
    {
        if (vms.TryGetRunning(order.Id) is not { MonitorAnswers: true } vm) return;
        try
        {
            using var deadline = new CancellationTokenSource(Deadline, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            await vm.SetBalloonAsync(order.TargetBytes, either.Token);
            _asked[order.Id] = new BalloonAsked(vm.Run, order.TargetBytes, time.GetUtcNow(), time.GetTimestamp());
            LogAsked(logger, vm.Definition.Name, order.TargetBytes >> 20);
        }
        catch (Exception silent) when (!cancellationToken.IsCancellationRequested
            && silent is OperationCanceledException or QmpClosedException or QmpErrorException or QmpProtocolException or ObjectDisposedException)
        {
            // It may have taken effect or not: the next sample shows what the balloon does.
            _asked.Remove(order.Id);
        }
    }

    private async Task TellAsync(HostFigures figures, CancellationToken cancellationToken)
    {
        var next = _alarm.After(figures);
        if (next.IsRaised != _alarm.IsRaised)
        {
            var change = new StoreChange("host.memory");
            events.Add(change, new EventDraft
            {
                Kind = next.IsRaised ? "host.memoryShort" : "host.memoryAmple",
                Severity = next.IsRaised ? EventSeverity.Warning : EventSeverity.Information,
                Target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Name },
                Message = next.IsRaised
                    ? $"Host '{host.Name}' runs short of memory: {MemoryAlarm.Words(figures)}. Stop a VM, or see what takes it: lamina vm top."
                    : $"Host '{host.Name}' has memory again: {MemoryAlarm.Words(figures)}.",
            });
            await change.CommitAsync(store, time, cancellationToken);
        }

        _alarm = next;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The host's memory could not be looked after; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception failure);

    [LoggerMessage(Level = LogLevel.Information, Message = "The kernel {What} identical pages (setting: {Mode})")]
    private static partial void LogKsm(ILogger logger, string what, KsmMode mode);

    [LoggerMessage(Level = LogLevel.Information, Message = "Balloons go from {Before} to {After}: {AvailableMiB} of {TotalMiB} MiB are available")]
    private static partial void LogPhase(ILogger logger, BalloonPhase before, BalloonPhase after, long availableMiB, long totalMiB);

    [LoggerMessage(Level = LogLevel.Debug, Message = "VM {Name} is asked to keep {MiB} MiB")]
    private static partial void LogAsked(ILogger logger, string name, long miB);
}
