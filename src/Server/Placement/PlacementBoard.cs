using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Placement;

/// <summary>
/// The records as placement sees them, kept up to date change by change. Decisions are taken one at a time, and each counts at once for the next: VMs that are
/// made together do not all land on the host that was emptiest before them.
/// </summary>
internal sealed class PlacementBoard
{
    private readonly Lock _lock = new();
    private PlacementWorld _world = new();

    /// <summary>The kinds whose changes it wants.</summary>
    public static IReadOnlyList<RecordKind> Kinds { get; } =
        [Keys.Vms.Spec, Keys.Vms.Assignment, Keys.Vms.Status, Keys.Hosts.Spec, Keys.Hosts.Status, Keys.Hosts.Live, Keys.Pools.Spec, Keys.Pools.OnHost, Keys.Networks.Spec, Keys.Networks.OnHost, Keys.PlacementRules, Keys.PlacementSettings];

    /// <summary>As one state says, for a single question.</summary>
    public static PlacementWorld Read(CacheSnapshot snapshot)
    {
        var world = new PlacementWorld { Strategy = StrategyIn(snapshot) };
        foreach (var host in snapshot.All(Keys.Hosts.Status)) SeeHost(world, snapshot, host.Id);
        foreach (var vm in snapshot.All(Keys.Vms.Assignment)) world.PutVm(vm.Id, VmIn(snapshot, vm.Id));
        foreach (var rule in snapshot.All(Keys.PlacementRules)) world.PutRule(rule.Id, rule.Record);
        return world;
    }

    /// <summary>What a VM of this spec needs of its host. Of one without a host, the pools that nobody has named are yet to be chosen.</summary>
    public static PlacementRequest RequestOf(CacheSnapshot snapshot, CachedRecord<VmSpec> vm) =>
        snapshot.Get(Keys.Vms.Assignment, vm.Id) is null
            ? PlacementRequest.OfUnplaced(vm.Id, vm.Record, disk => snapshot.Get(Keys.Disks.Spec, disk)?.Record)
            : PlacementRequest.Of(vm.Id, vm.Record, disk => snapshot.Get(Keys.Disks.Spec, disk)?.Record.Pool);

    /// <summary>Takes in what changed, or everything anew.</summary>
    public void See(CacheBatch batch)
    {
        if (batch.Resync)
        {
            Reset(batch.Snapshot);
            return;
        }

        lock (_lock)
        {
            foreach (var change in batch.Changes) See(change, batch.Snapshot);
        }
    }

    public void Reset(CacheSnapshot snapshot)
    {
        var world = Read(snapshot);
        lock (_lock) _world = world;
    }

    /// <summary>Chooses a host; until the records say otherwise the VM counts as being there.</summary>
    public PlacementVerdict Place(CacheSnapshot snapshot, CachedRecord<VmSpec> vm)
    {
        lock (_lock)
        {
            var verdict = _world.Place(RequestOf(snapshot, vm));
            if (verdict.Host is { } host) _world.PutVm(vm.Id, Placed(vm.Record, host, takes: vm.Record.Power.Wanted != PowerWanted.Stopped));
            return verdict;
        }
    }

    /// <summary>A decision that came to nothing: the records are what counts again.</summary>
    public void TakeBack(CacheSnapshot snapshot, string vmId)
    {
        lock (_lock) _world.PutVm(vmId, VmIn(snapshot, vmId));
    }

    private void See(CacheChange change, CacheSnapshot snapshot)
    {
        if (change.Kind == Keys.Hosts.Spec || change.Kind == Keys.Hosts.Status) SeeHost(_world, snapshot, change.Id);
        else if (change.Kind == Keys.Hosts.Live || change.Kind == Keys.Pools.Spec || change.Kind == Keys.Pools.OnHost || change.Kind == Keys.Networks.Spec) foreach (var host in snapshot.All(Keys.Hosts.Status)) SeeHost(_world, snapshot, host.Id);
        else if (change.Kind == Keys.Networks.OnHost) SeeHost(_world, snapshot, Keys.Networks.HostOf(change.Id));
        else if (change.Is(Keys.PlacementRules, out _, out var rule)) _world.PutRule(change.Id, rule?.Record);
        else if (change.Kind == Keys.PlacementSettings) _world.Strategy = StrategyIn(snapshot);
        else if (snapshot.Get(Keys.Vms.Assignment, change.Id) is not null || change.Kind == Keys.Vms.Assignment || change.After is null) _world.PutVm(change.Id, VmIn(snapshot, change.Id));
    }

    private static PlacementStrategy StrategyIn(CacheSnapshot snapshot) => snapshot.Get(Keys.PlacementSettings, "")?.Record.Strategy ?? PlacementStrategy.Balance;

    private static void SeeHost(PlacementWorld world, CacheSnapshot snapshot, string id)
    {
        if (PlacementHosts.Read(snapshot, id) is { } host) world.PutHost(host);
        else world.RemoveHost(id);
    }

    /// <summary>Null: it has no host, or is gone.</summary>
    public static PlacedVm? VmIn(CacheSnapshot snapshot, string id)
    {
        if (snapshot.Get(Keys.Vms.Assignment, id) is not { } assignment || snapshot.Get(Keys.Vms.Spec, id) is not { } spec) return null;
        bool runs = snapshot.Get(Keys.Vms.Status, id)?.Record.State is not (null or VmState.Stopped or VmState.Suspended);
        return Placed(spec.Record, assignment.Record.Host, runs || spec.Record.Power.Wanted != PowerWanted.Stopped);
    }

    private static PlacedVm Placed(VmSpec spec, string host, bool takes) => new(host, spec.Name, spec.Project, spec.Tags, spec.MemoryMiB, spec.Cpus, takes);
}
