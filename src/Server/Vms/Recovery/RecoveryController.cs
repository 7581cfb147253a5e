using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Store;

namespace Lamina.Server.Vms.Recovery;

/// <summary>
/// The leader's part in a store that was recovered: rules on each VM as <see cref="RecoveryPlan"/> says, by one transaction that rests on owner, status and reports as they were
/// seen, and uses the reports up. Until then hosts leave the VM as it is.
/// </summary>
internal sealed partial class RecoveryController(IStore store, Term term, Cache cache, EventLog events, TimeProvider time, ILogger<RecoveryController> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private bool _isSettled;

    /// <summary>During a term; until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var subscription = cache.Subscribe(
            Keys.Recovery, Keys.Hosts.Spec, Keys.Hosts.Report, Keys.Hosts.Guests, Keys.Hosts.Death, Keys.Hosts.Live, Keys.Vms.Spec, Keys.Vms.Assignment, Keys.Vms.Status);
        await RuleAllAsync(cancellationToken);
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            // Once every VM is ruled on, only a host that comes late has something to say.
            if (_isSettled && !batch.Resync && !batch.Changes.Any(change => change.Is(Keys.Hosts.Guests, out _, out _))) continue;
            await RuleAllAsync(cancellationToken);
        }
    }

    private async Task RuleAllAsync(CancellationToken cancellationToken)
    {
        while (!await TryRuleAllAsync(cancellationToken)) await Task.Delay(Pause, time, cancellationToken);
    }

    /// <summary>False: the store is away.</summary>
    private async Task<bool> TryRuleAllAsync(CancellationToken cancellationToken)
    {
        var snapshot = cache.Snapshot;
        if (RecoveryReader.Of(snapshot) is not { } reader)
        {
            _isSettled = true;
            return true;
        }

        try
        {
            bool waits = reader.Unknown.Count > 0;
            foreach (var vm in snapshot.All(Keys.Vms.Spec))
            {
                if (RecoveryPlan.Rule(reader.Read(vm.Id)) is not { } ruling) continue;
                waits = true;
                if (ruling is RecoveryRuling.Give give) await GiveAsync(snapshot, reader, vm, give, cancellationToken);
            }

            _isSettled = !waits;
            return true;
        }
        catch (IOException away)
        {
            LogAway(logger, away.Message);
            return false;
        }
    }

    private async Task GiveAsync(CacheSnapshot snapshot, RecoveryReader reader, CachedRecord<VmSpec> vm, RecoveryRuling.Give give, CancellationToken cancellationToken)
    {
        var change = new StoreChange("vm.recover").During(term).RequireExists(Keys.Vms.Spec[vm.Id]);
        var assignment = new VmAssignment { Host = give.Host, Epoch = give.Epoch, Cause = AssignmentCause.Recovered, Since = give.Since };
        if (snapshot.Get(Keys.Vms.Assignment, vm.Id) is { } former) change.Update(Keys.Vms.Assignment, vm.Id, assignment, former.ModRevision);
        else change.Create(Keys.Vms.Assignment, vm.Id, assignment);
        var status = snapshot.Get(Keys.Vms.Status, vm.Id);
        if (give.Since is null && status?.Record is { State: not (VmState.Stopped or VmState.Suspended) } was) change.Update(Keys.Vms.Status, vm.Id, Stopped(was), status.ModRevision);
        else if (status is not null) change.Require(Keys.Vms.Status[vm.Id], status.ModRevision);
        else change.RequireAbsent(Keys.Vms.Status[vm.Id]);
        foreach (var guest in reader.GuestsOf(vm.Id)) change.Delete(Keys.Hosts.Guests[guest.Id], guest.ModRevision);
        // That it runs nowhere rests on each word that was given for a silent host.
        if (give.Since is null)
        {
            foreach (var death in snapshot.All(Keys.Hosts.Spec).Select(host => HostDeaths.Of(snapshot, host.Id)).OfType<CachedRecord<HostDeath>>()) HostDeaths.Require(change, snapshot, death);
        }

        events.Add(change, new EventDraft
        {
            Kind = "vm.recovered",
            Severity = EventSeverity.Warning,
            Message = WordsOf(snapshot, vm.Record.Name, give, [.. reader.GuestsOf(vm.Id)]),
            Target = VmViews.ReferenceTo(vm),
            Project = vm.Record.Project,
            Epoch = give.Epoch,
        });
        var result = (await change.CommitAsync(store, time, cancellationToken)).EnsureTerm();
        await cache.WaitForRevisionAsync(result.Revision, Pause, cancellationToken);
    }

    private static VmStatus Stopped(VmStatus was) => was with
    {
        State = VmState.Stopped, StopCause = StopCause.Recovery, PauseCause = null, StartedAt = null, Addresses = [], Agent = null, Pending = [], Accelerator = null,
    };

    private static string WordsOf(CacheSnapshot snapshot, string name, RecoveryRuling.Give give, IReadOnlyList<CachedRecord<HostGuest>> guests)
    {
        string host = snapshot.HostName(give.Host);
        string[] others = [.. guests.Select(guest => RecoveryReader.HostOf(guest.Id)).Where(other => other != give.Host).Select(snapshot.HostName)];
        string end = others.Length == 0 ? "" : $" What is left of it on {string.Join(", ", others)} is ended.";
        return give.Since is null
            ? $"VM '{name}' runs nowhere since the store was recovered, and stays with host '{host}', stopped.{end}"
            : $"VM '{name}' runs on host '{host}', which owns it from now on, since the store was recovered.{end}";
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What becomes of VMs since the store was recovered cannot be settled now, and is tried again: {Reason}")]
    private static partial void LogAway(ILogger logger, string reason);
}
