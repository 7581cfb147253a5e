using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;

namespace Lamina.Server.Maintenance;

internal enum EvacueeState
{
    /// <summary>It can go, and has not begun.</summary>
    Waiting,

    /// <summary>It cannot go at this moment, for a reason that ends by itself.</summary>
    Passing,
    UnderWay,

    /// <summary>It is where it shall be.</summary>
    Moved,

    /// <summary>It was tried as often as it is.</summary>
    Failed,

    /// <summary>Its guest runs, and something stands in the way.</summary>
    Blocked,

    /// <summary>It does not run, and what it needs is only where it is.</summary>
    Staying,
}

/// <summary>A VM that a job is about.</summary>
internal sealed record Evacuee
{
    public required CachedRecord<VmSpec> Vm { get; init; }
    public required EvacueeState State { get; init; }

    /// <summary>Id of the host that it leaves.</summary>
    public required string From { get; init; }

    /// <summary>Id of the host that it goes to.</summary>
    public string? To { get; init; }

    /// <summary>Its guest runs.</summary>
    public bool Live { get; init; }

    /// <summary>What is to be sent at least.</summary>
    public long Bytes { get; init; }

    /// <summary>How fast its guest wrote when it was tried last.</summary>
    public long DirtyBytesPerSecond { get; init; }

    /// <summary>How often it was begun.</summary>
    public int Attempts { get; init; }

    /// <summary>The migration begun last.</summary>
    public string? Migration { get; init; }
    public IReadOnlyList<Failure> Reasons { get; init; } = [];

    public string Name => Vm.Record.Name;
}

/// <summary>Which VMs a job is about, and how far each is (pure): all of it from the records, so that the next leader sees the same.</summary>
internal static class Evacuees
{
    /// <summary>More often than this nothing is tried for one job.</summary>
    public const int MostAttempts = 2;

    /// <param name="snapshot">The records.</param>
    /// <param name="job">What is asked.</param>
    /// <param name="targets">Chooses hosts; of the same snapshot.</param>
    public static IReadOnlyList<Evacuee> Of(CacheSnapshot snapshot, EvacuationJob job, EvacuationTargets targets)
    {
        var vms = job.Kind == EvacuationJob.Exit ? Returning(snapshot, job) : Leaving(snapshot, job);
        return
        [
            .. vms.Select(id => snapshot.Get(Keys.Vms.Spec, id)).OfType<CachedRecord<VmSpec>>()
                .Where(vm => vm.Record.Deleting is null)
                .OrderByDescending(vm => EvacuationTargets.Runs(snapshot, vm.Id)).ThenByDescending(vm => vm.Record.MemoryMiB).ThenBy(vm => vm.Id, StringComparer.Ordinal)
                .Select(vm => Look(snapshot, job, vm, targets)),
        ];
    }

    /// <summary>What is to be sent of a VM at least: memory that its guest has used, and disks that go along.</summary>
    public static long BytesOf(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationForecast forecast)
    {
        string? here = snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host;
        long whole = (long)vm.Record.MemoryMiB << 20;
        long used = here is not null && snapshot.Get(Keys.Hosts.Load, here)?.Record.Vms.GetValueOrDefault(vm.Id) is { ResidentBytes: > 0 } load ? Math.Min(load.ResidentBytes, whole) : whole;
        return (forecast.Kind == HandoverKind.Live ? used : 0) + forecast.Disks.Sum(disk => disk.SizeBytes);
    }

    private static IEnumerable<string> Leaving(CacheSnapshot snapshot, EvacuationJob job) =>
        snapshot.All(Keys.Vms.Assignment).Where(assignment => assignment.Record.Host == job.Host).Select(assignment => assignment.Id)
            .Union(snapshot.All(Keys.Vms.Departure).Where(departure => departure.Record.Operation == job.Operation).Select(departure => departure.Id));

    /// <summary>Those that left for the maintenance, and are still where they were brought.</summary>
    private static IEnumerable<string> Returning(CacheSnapshot snapshot, EvacuationJob job) => job.NoReturn ? [] : snapshot.All(Keys.Vms.Departure)
        .Where(departure => departure.Record.Home == job.Host
            && (departure.Record.Operation == job.Operation || snapshot.Get(Keys.Vms.Assignment, departure.Id)?.Record.Host == departure.Record.To))
        .Select(departure => departure.Id);

    private static Evacuee Look(CacheSnapshot snapshot, EvacuationJob job, CachedRecord<VmSpec> vm, EvacuationTargets targets)
    {
        string here = snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host ?? "";
        var departure = snapshot.Get(Keys.Vms.Departure, vm.Id)?.Record is { } record && record.Operation == job.Operation ? record : null;
        var migration = departure is null ? null : snapshot.Get(Keys.Operations.State, departure.Migration)?.Record;
        var seen = new Evacuee
        {
            Vm = vm,
            State = EvacueeState.UnderWay,
            From = departure?.From ?? here,
            To = departure?.To,
            Live = EvacuationTargets.Runs(snapshot, vm.Id),
            Attempts = departure?.Attempts ?? 0,
            Migration = departure?.Migration,
            DirtyBytesPerSecond = migration?.Transfer?.DirtyBytesPerSecond ?? 0,
        };
        if (departure is not null && IsOpen(snapshot, departure.Migration)) return seen;
        bool isThere = job.Kind == EvacuationJob.Exit ? here == job.Host : here != job.Host;
        if (isThere) return seen with { State = EvacueeState.Moved };
        if (seen.Attempts >= MostAttempts) return seen with { State = EvacueeState.Failed, Reasons = [migration?.Failure ?? Unknown(vm)] };
        return Choose(snapshot, job, seen, here, targets);
    }

    private static Evacuee Choose(CacheSnapshot snapshot, EvacuationJob job, Evacuee seen, string here, EvacuationTargets targets)
    {
        var target = targets.Choose(seen.Vm, job.WithStorage, job.Kind == EvacuationJob.Exit ? job.Host : null);
        seen = seen with { From = here, To = target.To, Reasons = target.Reasons };
        if (target.To is not null) return seen with { State = EvacueeState.Waiting, Bytes = BytesOf(snapshot, seen.Vm, target.Forecast!) };
        if (target.IsPassing && snapshot.Get(Keys.Vms.Status, seen.Vm.Id)?.Record.State != VmState.Unresponsive) return seen with { State = EvacueeState.Passing };
        return seen with { State = seen.Live ? EvacueeState.Blocked : EvacueeState.Staying };
    }

    private static bool IsOpen(CacheSnapshot snapshot, string operation) =>
        snapshot.Get(Keys.Operations.Request, operation) is not null && !(snapshot.Get(Keys.Operations.State, operation)?.Record).IsEnded();

    private static Failure Unknown(CachedRecord<VmSpec> vm) => new() { Code = "migration.failed", Message = $"VM '{vm.Record.Name}' did not go, and why is not on record any more." };
}
