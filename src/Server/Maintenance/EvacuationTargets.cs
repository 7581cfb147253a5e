using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Migration;
using Lamina.Server.Placement;

namespace Lamina.Server.Maintenance;

/// <summary>The host that a VM goes to, or why none takes it.</summary>
/// <param name="To">Id of the host; null: none.</param>
/// <param name="Forecast">What the migration does; set with <paramref name="To"/>.</param>
/// <param name="Reasons">Everything that stands in the way.</param>
/// <param name="IsPassing">What stands in the way goes by itself: an operation that ends, a guest that starts.</param>
internal sealed record EvacuationTarget(string? To, MigrationForecast? Forecast, IReadOnlyList<Failure> Reasons, bool IsPassing);

/// <summary>
/// Chooses hosts for VMs one after the other, each choice counting for the next: they do not all land on the host that was emptiest before. Decides
/// on a copy of what placement knows; writes nothing.
/// </summary>
internal sealed class EvacuationTargets
{
    private static readonly string[] PassingCodes = ["vm.busy", "migration.underWay", "migration.unsettled"];

    private readonly CacheSnapshot _snapshot;
    private readonly PlacementWorld _world;

    /// <summary>Without the choices: what stands in the way of one migration, as it is now.</summary>
    private readonly PlacementWorld _now;

    public EvacuationTargets(CacheSnapshot snapshot)
    {
        _snapshot = snapshot;
        _world = PlacementBoard.Read(snapshot);
        _now = PlacementBoard.Read(snapshot);
        foreach (var handover in snapshot.All(Keys.Vms.Handover)) Count(handover.Id, handover.Record.To);
    }

    /// <param name="vm">The VM.</param>
    /// <param name="withStorage">Its disks go along where they must.</param>
    /// <param name="only">Id of the one host that will do; null: the best of all.</param>
    public EvacuationTarget Choose(CachedRecord<VmSpec> vm, bool withStorage, string? only = null)
    {
        string? here = _snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host;
        bool runs = Runs(_snapshot, vm.Id);
        var wanted = PlacementBoard.RequestOf(_snapshot, vm);
        var reasons = new List<Failure>();
        bool isPassing = false;
        foreach (var opinion in _world.Explain(withStorage ? wanted with { Pools = [] } : wanted, here).Where(opinion => opinion.Host != here && (only is null || opinion.Host == only)))
        {
            var against = opinion.Reasons.Where(reason => runs || reason.Code != "host.memoryFull").ToList();
            var forecast = against.Count > 0 ? null : Migrations.Forecast(_snapshot, vm, new MigrationRequest { To = opinion.Host, WithStorage = withStorage }, _now);
            if (forecast is { Blockers.Count: 0 })
            {
                Count(vm.Id, opinion.Host);
                return new EvacuationTarget(opinion.Host, forecast, [], false);
            }

            isPassing |= forecast is not null && forecast.Blockers.All(IsPassing);
            reasons.AddRange(forecast?.Blockers ?? against);
        }

        if (reasons.Count == 0) reasons.Add(NoHost(vm, only));
        return new EvacuationTarget(null, null, [.. reasons.DistinctBy(reason => reason.Message)], isPassing);
    }

    /// <summary>It has a guest that would have to go on running.</summary>
    public static bool Runs(CacheSnapshot snapshot, string vmId) =>
        snapshot.Get(Keys.Vms.Status, vmId)?.Record.State is not (null or VmState.Stopped or VmState.Suspended);

    private bool IsPassing(Failure blocker) => PassingCodes.Contains(blocker.Code);

    private void Count(string vmId, string host)
    {
        if (PlacementBoard.VmIn(_snapshot, vmId) is { } vm) _world.PutVm(vmId, vm with { Host = host });
    }

    private static Failure NoHost(CachedRecord<VmSpec> vm, string? only) => new()
    {
        Code = "evacuation.noHost",
        Message = only is null ? $"There is no other host that VM '{vm.Record.Name}' could go to." : $"The host of VM '{vm.Record.Name}' has not told what it is.",
        Remedy = "See: lamina host list.",
    };
}
