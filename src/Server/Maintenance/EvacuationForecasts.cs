using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Maintenance.Plan;

namespace Lamina.Server.Maintenance;

/// <summary>What emptying a host would do (pure): the blockers first.</summary>
internal static class EvacuationForecasts
{
    public static EvacuationForecast Of(CacheSnapshot snapshot, CachedRecord<HostSpec> host, bool withStorage, DateTimeOffset now)
    {
        var job = new EvacuationJob { Operation = "", Kind = EvacuationJob.Evacuate, Host = host.Id, HostName = host.Record.Name, RequestedBy = "", WithStorage = withStorage };
        var evacuees = Evacuees.Of(snapshot, job, new EvacuationTargets(snapshot));
        var moves = evacuees.Where(vm => vm.State is EvacueeState.Waiting or EvacueeState.Passing or EvacueeState.UnderWay).ToList();
        var seconds = EvacuationPlan.Forecast([.. moves.Where(vm => vm.To is not null).Select(DepartureOf)], [], MeasuredLinks.Read(snapshot))?.TotalSeconds;
        return new EvacuationForecast
        {
            Host = host.Record.Name,
            Blocked = [.. evacuees.Where(vm => vm.State is EvacueeState.Blocked or EvacueeState.Failed).Select(vm => Shown(snapshot, vm))],
            Moves = [.. moves.Select(vm => Shown(snapshot, vm))],
            Staying = [.. evacuees.Where(vm => vm.State == EvacueeState.Staying).Select(vm => Shown(snapshot, vm))],
            Bytes = moves.Sum(vm => vm.Bytes),
            Seconds = seconds,
            PredictedEnd = seconds is { } duration ? now + TimeSpan.FromSeconds(duration) : null,
        };
    }

    public static Departure DepartureOf(Evacuee vm) => new(vm.Vm.Id, vm.From, vm.To!, vm.Bytes, vm.DirtyBytesPerSecond);

    private static EvacuatedVm Shown(CacheSnapshot snapshot, Evacuee vm) => new()
    {
        Id = vm.Vm.Id,
        Name = vm.Name,
        Project = vm.Vm.Record.Project,
        To = vm.To is { } to ? snapshot.HostName(to) : null,
        Live = vm.Live,
        Bytes = vm.Bytes,
        Reasons = vm.Reasons,
    };
}
