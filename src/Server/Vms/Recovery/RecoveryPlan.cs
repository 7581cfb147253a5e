using Lamina.Api;

namespace Lamina.Server.Vms.Recovery;

/// <summary>A process of a VM that a host has reported.</summary>
/// <param name="Host">Id of the host.</param>
/// <param name="Epoch">Of the process.</param>
/// <param name="Runs">Its guest runs there or can: it has not left for another host, and is not still to come.</param>
internal sealed record RecoveryGuest(string Host, long Epoch, bool Runs);

/// <summary>A VM in a store that was recovered.</summary>
internal sealed record RecoveryVm
{
    /// <summary>Null: it has no owner yet.</summary>
    public VmAssignment? Assignment { get; init; }

    /// <summary>The assignment was made since the recovery, so that its host has acted on it, or may have.</summary>
    public bool IsRuled { get; init; }

    /// <summary>By the status of the assigned host it has a process.</summary>
    public bool IsLive { get; init; }

    /// <summary>On whose reports nothing has followed yet.</summary>
    public IReadOnlyList<RecoveryGuest> Guests { get; init; } = [];

    /// <summary>Hosts that have not said what runs on them, and of which nobody else has.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];
}

/// <summary>What becomes of a VM after a recovery.</summary>
internal abstract record RecoveryRuling
{
    private RecoveryRuling()
    {
    }

    /// <summary>It may run where nobody has told yet: that host comes back, or a person says that it is dead.</summary>
    internal sealed record Wait(IReadOnlyList<string> Hosts) : RecoveryRuling;

    /// <summary>Two hosts run it under one epoch, which no transaction can have allowed: a person says which of them is ended.</summary>
    internal sealed record Ask(IReadOnlyList<string> Hosts) : RecoveryRuling;

    /// <summary>It is this host's from now on, at an epoch above each that is known.</summary>
    /// <param name="Host">Id of the host.</param>
    /// <param name="Epoch">Above all.</param>
    /// <param name="Since">A process there from this epoch on goes on; null: it has none, and does not start by itself.</param>
    internal sealed record Give(string Host, long Epoch, long? Since) : RecoveryRuling;
}

/// <summary>
/// Who owns a VM after a recovery of the store (pure; decision 19). A process that runs wins: the lost store had allowed it. Where none was reported, the VM may run on a host that
/// has not spoken; where all have, it runs nowhere, and stays with the owner that is on record.
/// <code>
/// on record             reported                      then
/// of the lost store     one runs, or one is highest   it is that host's, at max + 1; others end theirs
/// of the lost store     two run at the highest epoch  a person decides
/// of the lost store     none runs, hosts are silent   wait for them, or for a person's word
/// of the lost store     none runs, all have spoken    its owner's, at max + 1, stopped
/// ruled since, live     any                           its owner's, at max + 1; the others end theirs
/// ruled since, stopped  one runs (late)               as if it was not ruled
/// ruled since, stopped  none runs                     its owner's, at max + 1, stopped
/// </code>
/// </summary>
internal static class RecoveryPlan
{
    /// <returns>Null: there is nothing to rule.</returns>
    public static RecoveryRuling? Rule(RecoveryVm vm)
    {
        if (vm.IsRuled && vm.Guests.Count == 0) return null;
        long next = vm.Guests.Select(guest => guest.Epoch).Append(vm.Assignment?.Epoch ?? 0).Max() + 1;
        if (vm is { IsRuled: true, IsLive: true, Assignment: { } held }) return new RecoveryRuling.Give(held.Host, next, held.Since ?? held.Epoch);
        var running = vm.Guests.Where(guest => guest.Runs).ToArray();
        if (running.Length > 0)
        {
            long highest = running.Max(guest => guest.Epoch);
            var first = running.Where(guest => guest.Epoch == highest).ToArray();
            return first is [var only] ? new RecoveryRuling.Give(only.Host, next, only.Epoch) : new RecoveryRuling.Ask([.. first.Select(guest => guest.Host)]);
        }

        if (!vm.IsRuled && vm.Unknown.Count > 0) return new RecoveryRuling.Wait(vm.Unknown);
        // One without an owner, and of which something is left, gets one that puts it away.
        return (vm.Assignment?.Host ?? (vm.Guests is [var left, ..] ? left.Host : null)) is { } owner ? new RecoveryRuling.Give(owner, next, null) : null;
    }
}
