using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Placement;
using Lamina.Server.Vms;

namespace Lamina.Server.Migration;

/// <summary>What is asked of a migration, by a person, an evacuation or the balancer.</summary>
internal sealed record MigrationRequest
{
    /// <summary>Id of the host to go to.</summary>
    public required string To { get; init; }

    /// <summary>Disks that the other host cannot reach go along.</summary>
    public bool WithStorage { get; init; }

    /// <summary>Id of the pool for them; null: the one there of the same name, else the default one.</summary>
    public string? Pool { get; init; }
    public long? MaxBytesPerSecond { get; init; }

    /// <summary>Only while it does not run.</summary>
    public bool Offline { get; init; }

    /// <summary>It may run on there before all of its memory is there.</summary>
    public bool AllowPostCopy { get; init; }

    /// <summary>For how long its memory may be sent before that, or before it is given up; null: by its size and the link's speed.</summary>
    public int? TimeoutSeconds { get; init; }
}

/// <summary>The one way to begin a hand-over: user, evacuation and balancing share it.</summary>
internal static class Migrations
{
    /// <summary>Of operations; carried out by the source's hand. The result has <c>transferredBytes</c>, <c>elapsedMs</c>, <c>downtimeMs</c>.</summary>
    public const string Operation = "vm.migrate";

    /// <summary>What would be done, and everything that stands in the way, as far as the records tell. Pure.</summary>
    /// <param name="snapshot">The records.</param>
    /// <param name="vm">The VM.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="world">What placement reads from the same snapshot, for who asks about many; null: it is read.</param>
    public static MigrationForecast Forecast(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request, PlacementWorld? world = null)
    {
        var status = snapshot.Get(Keys.Vms.Status, vm.Id)?.Record;
        string? from = snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host;
        var disks = MigrationBlockers.DisksOf(snapshot, vm, request);
        var route = MigrationRoute.Choose(snapshot, from, request);
        return new MigrationForecast
        {
            From = from is null ? "" : snapshot.HostName(from),
            To = snapshot.HostName(request.To),
            Kind = IsAtRest(status) ? HandoverKind.Cold : HandoverKind.Live,
            Streams = IsAtRest(status) ? 0 : route.Streams,
            Address = route.Address,
            MaxBytesPerSecond = route.MaxBytesPerSecond,
            Blockers = MigrationBlockers.Of(snapshot, vm, request, world ?? PlacementBoard.Read(snapshot)),
            Disks = disks,
        };
    }

    /// <summary>
    /// PREPARE: adds the hand-over and its operation to the change. The transaction compares all that the forecast stood on: owner, status and both hosts'
    /// incarnations, and that there is no other hand-over of this VM.
    /// </summary>
    /// <param name="change">Committed by the caller.</param>
    /// <param name="operations">Makes the operation.</param>
    /// <param name="snapshot">What the forecast was made from.</param>
    /// <param name="vm">The VM.</param>
    /// <param name="request">What is asked; its forecast has no blockers.</param>
    /// <param name="requestedBy">Subject of the caller, or <c>system</c>.</param>
    /// <param name="now">Wall time, for people.</param>
    public static Operation Prepare(
        StoreChange change, OperationRequests operations, CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request, string requestedBy, DateTimeOffset now)
    {
        var assignment = snapshot.Get(Keys.Vms.Assignment, vm.Id) ?? throw VmFailures.NotHere(vm.Id);
        var status = snapshot.Get(Keys.Vms.Status, vm.Id);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = Operation,
            Target = VmViews.ReferenceTo(vm),
            Project = vm.Record.Project,
            RequestedBy = requestedBy,
            Host = assignment.Record.Host,
            Parameters = new JsonObject { ["to"] = request.To },
        });
        var route = MigrationRoute.Choose(snapshot, assignment.Record.Host, request);
        var handover = new VmHandover
        {
            Nonce = Guid.NewGuid().ToString("N"),
            Operation = operation.Id,
            From = assignment.Record.Host,
            To = request.To,
            Epoch = assignment.Record.Epoch,
            Kind = IsAtRest(status?.Record) ? HandoverKind.Cold : HandoverKind.Live,
            Paused = status?.Record.State is VmState.Paused,
            // A paused guest writes nothing that could outrun the link.
            PostCopy = request.AllowPostCopy && status?.Record is { } known && !IsAtRest(known) && known.State is not VmState.Paused,
            MaxBytesPerSecond = route.MaxBytesPerSecond,
            TimeoutSeconds = request.TimeoutSeconds,
            Streams = route.Streams,
            Address = route.Address,
            PreparedAt = now,
            Disks = MigrationBlockers.DisksOf(snapshot, vm, request),
            Home = MigrationBlockers.HomeOf(snapshot, vm, request),
        };
        change.Create(Keys.Vms.Handover, vm.Id, handover)
            .Delete(Keys.Vms.HandoverSource[vm.Id])
            .Delete(Keys.Vms.HandoverTarget[vm.Id])
            .Require(Keys.Vms.Spec[vm.Id], vm.ModRevision)
            .Require(Keys.Vms.Assignment[vm.Id], assignment.ModRevision);
        if (status is not null) change.Require(Keys.Vms.Status[vm.Id], status.ModRevision);
        foreach (string host in new[] { assignment.Record.Host, request.To }.Distinct())
        {
            if (snapshot.Get(Keys.Hosts.Status, host) is { } live) change.Require(Keys.Hosts.Status[host], live.ModRevision);
            else change.RequireExists(Keys.Hosts.Status[host]);
        }

        return operation;
    }

    internal static bool IsAtRest(VmStatus? status) => status?.State is null or VmState.Stopped or VmState.Suspended;
}
