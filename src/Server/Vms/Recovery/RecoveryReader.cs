using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms.Recovery;

/// <summary>What the records say of a recovery (pure).</summary>
internal sealed class RecoveryReader
{
    private readonly CacheSnapshot _snapshot;
    private readonly CachedRecord<RecoveryRecord> _recovery;
    private readonly ILookup<string, CachedRecord<HostGuest>> _guests;

    private RecoveryReader(CacheSnapshot snapshot, CachedRecord<RecoveryRecord> recovery)
    {
        _snapshot = snapshot;
        _recovery = recovery;
        _guests = snapshot.All(Keys.Hosts.Guests).ToLookup(guest => VmOf(guest.Id), StringComparer.Ordinal);
        Unknown = [.. RecoveryHosts.Unknown(snapshot, recovery).Order(StringComparer.Ordinal)];
    }

    /// <summary>Ids of hosts that have not told what runs on them.</summary>
    public IReadOnlyList<string> Unknown { get; }

    public RecoveryRecord Recovery => _recovery.Record;

    /// <summary>Reports of guests whose VM is not on record.</summary>
    public IEnumerable<CachedRecord<HostGuest>> Orphans => _guests.Where(vm => _snapshot.Get(Keys.Vms.Spec, vm.Key) is null).SelectMany(vm => vm);

    /// <summary>Null: the store was never recovered.</summary>
    public static RecoveryReader? Of(CacheSnapshot snapshot) => snapshot.Get(Keys.Recovery, "") is { } recovery ? new RecoveryReader(snapshot, recovery) : null;

    /// <summary>Of the record of a reported guest.</summary>
    public static string VmOf(string guestId) => guestId[(guestId.LastIndexOf('/') + 1)..];

    /// <summary>Of the record of a reported guest.</summary>
    public static string HostOf(string guestId) => guestId[..guestId.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>The reports of a VM's processes on which nothing has followed yet.</summary>
    public IEnumerable<CachedRecord<HostGuest>> GuestsOf(string vmId) => _guests[vmId];

    public RecoveryVm Read(string vmId)
    {
        var assignment = _snapshot.Get(Keys.Vms.Assignment, vmId);
        return new RecoveryVm
        {
            Assignment = assignment?.Record,
            IsRuled = !RecoveryHold.IsUnruled(_snapshot, vmId),
            IsLive = _snapshot.Get(Keys.Vms.Status, vmId)?.Record.State is not (null or VmState.Stopped or VmState.Suspended),
            Guests = [.. _guests[vmId].Select(guest => new RecoveryGuest(HostOf(guest.Id), guest.Record.Epoch, guest.Record.Runs))],
            Unknown = Unknown,
        };
    }
}
