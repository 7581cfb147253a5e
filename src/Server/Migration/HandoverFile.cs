using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>
/// One hand-over's record as one host knows it. It only moves forward: what this host's own transactions told, and what the cache has since. A transaction
/// of unknown outcome makes everything unknown until it is settled by being sent again (decision 5). Touched by one hand.
/// </summary>
internal sealed class HandoverFile(VmHost host, string vmId, VmHandover record, long revision)
{
    private static readonly TimeSpan CachePatience = TimeSpan.FromSeconds(2);

    private StoreTransaction? _inDoubt;
    private VmHandover? _wanted;
    private bool _gone;

    /// <summary>As last known; its phase is certain only when <see cref="Phase"/> is not unknown.</summary>
    public VmHandover Record { get; private set; } = record;

    public long Revision { get; private set; } = revision;

    public StorePhase Phase => _inDoubt is not null ? StorePhase.Unknown : _gone ? StorePhase.Gone : IsOutlived ? StorePhase.Outlived : Record.Phase switch
    {
        HandoverPhase.Committed => StorePhase.Committed,
        HandoverPhase.Aborted => StorePhase.Aborted,
        HandoverPhase.HandedBack => StorePhase.HandedBack,
        _ => StorePhase.Prepared,
    };

    private bool IsOutlived { get; set; }

    /// <summary>Takes in what the cache has.</summary>
    public void Read(CacheSnapshot snapshot)
    {
        if (snapshot.Revision < Revision) return;
        var found = snapshot.Get(Keys.Vms.Handover, vmId);
        if (found is null || found.Record.Nonce != Record.Nonce) _gone = true;
        else if (found.ModRevision > Revision) (Record, Revision) = (found.Record, found.ModRevision);
        long last = Record.Epoch + (Record.Phase switch { HandoverPhase.Committed => 1, HandoverPhase.HandedBack => 2, _ => 0 });
        IsOutlived = !_gone && snapshot.Get(Keys.Vms.Assignment, vmId)?.Record.Epoch > last;
    }

    /// <summary>Tries to move the record to another phase, with what belongs to it: known to be so, known to be otherwise, or in doubt afterwards.</summary>
    /// <param name="next">The record as it shall be.</param>
    /// <param name="records">What else the transaction requires and writes.</param>
    /// <exception cref="StoreUnavailableException">Nothing was written.</exception>
    public async Task DecideAsync(VmHandover next, Action<StoreChange> records)
    {
        var change = new StoreChange($"handover.{next.Phase.ToString().ToLowerInvariant()}").OfGeneration(host.Generation).Update(Keys.Vms.Handover, vmId, next, Revision);
        records(change);
        try
        {
            await TakeAsync(await change.CommitAsync(host.Store, host.Time), next);
        }
        catch (StoreOutcomeUnknownException unknown)
        {
            (_inDoubt, _wanted) = (unknown.Transaction, next);
        }
    }

    /// <summary>Sends the transaction in doubt again: the store applies it once, and tells.</summary>
    /// <exception cref="StoreUnavailableException">It is in doubt still.</exception>
    /// <exception cref="StoreOutcomeUnknownException">It is in doubt still.</exception>
    public async Task SettleAsync()
    {
        if (_inDoubt is not { } transaction) return;
        var result = CommitResult.From(transaction, await host.Store.CommitAsync(transaction));
        _inDoubt = null;
        await TakeAsync(result, _wanted!);
    }

    private async Task TakeAsync(CommitResult result, VmHandover next)
    {
        if (result.Succeeded)
        {
            (Record, Revision) = (next, result.Revision);
            return;
        }

        if (result.ConflictAt(Keys.Vms.Handover[vmId]) is { } conflict)
        {
            if (conflict.Current is not { } current) _gone = true;
            else if (RecordJson.Read(current, Keys.Vms.Handover) is { } found && found.Nonce == Record.Nonce) (Record, Revision) = (found, current.ModRevision);
            else _gone = true;
        }

        // Something else that it stood on has changed: the cache shall know before it is decided anew.
        await host.Cache.WaitForRevisionAsync(result.Revision, CachePatience);
    }
}
