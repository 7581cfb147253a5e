using Lamina.Api;
using Lamina.Linux;
using Lamina.Server.Control;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>
/// This host's part of every hand-over: a hand for each that leads from or to it, begun by the record alone, so that a daemon that has just started takes
/// up what another one left.
/// </summary>
internal sealed partial class HostMigrations(MigrationGround ground)
{
    private static readonly TimeSpan FaultPause = TimeSpan.FromSeconds(1);

    private readonly ILogger _logger = ground.Host.Loggers.CreateLogger<HostMigrations>();
    private readonly Lock _gate = new();

    /// <summary>One for each VM at most.</summary>
    private readonly Dictionary<string, Hand> _hands = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken stopping)
    {
        await ground.Vms.Taken.WaitAsync(stopping);
        using var subscription = ground.Host.Cache.Subscribe(
            Keys.Vms.Handover, Keys.Vms.HandoverSource, Keys.Vms.HandoverTarget, Keys.Vms.Assignment, Keys.Vms.Status, Keys.Vms.Spec);
        LookAtAll(subscription.Start, stopping);
        UndoStrays(subscription.Start, stopping);
        try
        {
            await foreach (var batch in subscription.ReadAllAsync(stopping))
            {
                if (batch.Resync) LookAtAll(batch.Snapshot, stopping);
                else foreach (string vm in batch.Changes.Select(change => change.Id).Distinct()) Look(vm, stopping);
            }
        }
        finally
        {
            await Task.WhenAll(Hands().Select(hand => hand.Task));
        }
    }

    private void LookAtAll(CacheSnapshot snapshot, CancellationToken stopping)
    {
        foreach (var handover in snapshot.All(Keys.Vms.Handover)) Look(handover.Id, stopping);
        foreach (var hand in Hands()) hand.Wake();
    }

    private IReadOnlyList<Hand> Hands()
    {
        lock (_gate) return [.. _hands.Values];
    }

    /// <summary>Processes that were to take a guest which never came, and files of a VM that did not, of whose hand-over nothing is on record any more.</summary>
    private void UndoStrays(CacheSnapshot snapshot, CancellationToken stopping)
    {
        foreach (string vm in ground.Arrivals.Vms)
        {
            bool goesOn = snapshot.Get(Keys.Vms.Handover, vm)?.Record is { Phase: HandoverPhase.Prepared } open && open.To == ground.Host.HostId;
            if (!goesOn) RemoveArrival(vm);
        }

        foreach (string vm in ground.Vms.ArrivingIds.Where(vm => snapshot.Get(Keys.Vms.Handover, vm) is null))
        {
            var lost = new VmHandover { Nonce = "", Operation = "", From = "", To = ground.Host.HostId, Epoch = long.MaxValue - 2, Phase = HandoverPhase.Aborted };
            lock (_gate) Begin(vm, lost, 0, stopping);
        }
    }

    private void RemoveArrival(string vm)
    {
        try
        {
            ground.Arrivals.Remove(vm);
        }
        catch (Exception failure) when (failure is LinuxException or IOException or ProblemException)
        {
            // The pool is away: the note stays, and the next start looks again.
            LogNotRemoved(_logger, vm, failure);
        }
    }

    /// <summary>By the newest state: a change that is taken in late may be older than the end of a hand that has let go since, which must not be begun again by it.</summary>
    private void Look(string vmId, CancellationToken stopping)
    {
        lock (_gate)
        {
            if (_hands.TryGetValue(vmId, out var known))
            {
                known.Wake();
                return;
            }

            var snapshot = ground.Now;
            if (snapshot.Get(Keys.Vms.Handover, vmId) is not { } handover) return;
            bool isForThis = handover.Record.From == ground.Host.HostId || handover.Record.To == ground.Host.HostId;
            if (isForThis && IsOpen(vmId, handover.Record, snapshot)) Begin(vmId, handover.Record, handover.ModRevision, stopping);
        }
    }

    /// <summary>Under the lock.</summary>
    private void Begin(string vmId, VmHandover record, long revision, CancellationToken stopping)
    {
        Hand hand;
        if (record.From == ground.Host.HostId)
        {
            var source = new SourceHand(ground, vmId, record, revision);
            hand = new Hand(source, source.Wake);
        }
        else
        {
            var target = new TargetHand(ground, vmId, record, revision);
            hand = new Hand(target, target.Wake);
        }

        _hands[vmId] = hand;
        hand.Task = Task.Run(() => HoldAsync(vmId, hand, stopping), CancellationToken.None);
    }

    private async Task HoldAsync(string vmId, Hand hand, CancellationToken stopping)
    {
        try
        {
            await ground.Vms.HoldAsync(vmId, hand.Work, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception fault)
        {
            LogFault(_logger, vmId, fault);
            await Task.Delay(FaultPause, ground.Host.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        lock (_gate) _hands.Remove(vmId);
        // Another hand-over may have begun meanwhile, or this hand failed on a fault of ours.
        if (!stopping.IsCancellationRequested) Look(vmId, stopping);
    }

    /// <summary>What has come is its own plan's; a source is not done before the record is gone.</summary>
    private bool IsOpen(string vmId, VmHandover record, CacheSnapshot snapshot)
    {
        if (record.From == ground.Host.HostId || snapshot.Get(Keys.Vms.Status, vmId)?.Record.Epoch != record.Epoch + 1) return true;
        // After the switch to post-copy it has come when all of its memory is there, or is lost.
        bool isSaid = snapshot.Get(Keys.Vms.HandoverTarget, vmId)?.Record is { State: HandoverTargetState.Whole or HandoverTargetState.Failed } word && word.Nonce == record.Nonce;
        return record is { PostCopy: true, Phase: HandoverPhase.Committed } && !isSaid;
    }

    private sealed class Hand(IVmHand work, Action wake)
    {
        public IVmHand Work { get; } = work;

        public Task Task { get; set; } = Task.CompletedTask;

        public void Wake() => wake();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Files that were brought for VM {Vm}, which did not come, could not be removed")]
    private static partial void LogNotRemoved(ILogger logger, string vm, Exception failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "The hand-over of VM {Vm} has met a fault of its own")]
    private static partial void LogFault(ILogger logger, string vm, Exception failure);
}
