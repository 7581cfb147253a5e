using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>What the room Snapshots is made with.</summary>
internal sealed record SnapshotParts
{
    public required IStore Store { get; init; }
    public required Leadership Leadership { get; init; }
    public required Cache Cache { get; init; }
    public required TimeProvider Time { get; init; }
    public required OperationExecutor Executor { get; init; }
    public required Sweeper Sweeper { get; init; }
    public required StorageRooms Storage { get; init; }
    public required HostVms Vms { get; init; }
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>The room Snapshots of this host, put together.</summary>
internal sealed class SnapshotRooms
{
    private readonly SnapshotParts _parts;
    private readonly SnapshotGround _ground;
    private readonly SnapshotSweep _sweep;

    public SnapshotRooms(SnapshotParts parts)
    {
        _parts = parts;
        _ground = new SnapshotGround(parts.Cache, parts.Storage.Pools, parts.Storage.Disks, parts.Storage.Workers, parts.Time);
        new HostSnapshots(_ground, parts.Vms).Register(parts.Executor);
        _sweep = new SnapshotSweep(parts.Store, _ground, new OperationRequests(parts.Time));
        parts.Sweeper.Register("snapshots", _sweep.SweepAsync);
    }

    public void Map(ApiRoutes api) => new SnapshotEndpoints(new OperationRequests(_parts.Time), _parts.Time).Map(api);

    public void Add(Loops loops)
    {
        var unmade = new UnmadeKind<Api.SnapshotSpec, Api.SnapshotStatus>(
            "snapshot", Keys.Snapshots.Spec, Keys.Snapshots.Status, spec => spec.Making, spec => $"{spec.Vm}/{spec.Name}", RemoveFiles, IsMine);
        loops.Add("used memories and dropped layers", _sweep.RunAsync);
        loops.Add("unmade snapshots", new UnmadeController<Api.SnapshotSpec, Api.SnapshotStatus>(
            unmade, _parts.Store, _parts.Leadership.Generation, _parts.Cache, _parts.Time, _parts.Loggers.CreateLogger<SnapshotRooms>()).RunAsync);
    }

    /// <summary>A VM that is gone has no files left, and whoever leads removes the record.</summary>
    private bool IsMine(Api.SnapshotSpec spec) => _parts.Cache.Snapshot.Get(Keys.Vms.Assignment, spec.Vm) is { } assignment
        ? assignment.Record.Host == _parts.Storage.Pools.HostId
        : _parts.Leadership.Term is not null;

    private void RemoveFiles(string id, Api.SnapshotSpec spec)
    {
        if (_parts.Cache.Snapshot.Get(Keys.Vms.Spec, spec.Vm) is { } vm) _ground.FilesOf(vm.Id, vm.Record, $"{SnapshotFiles.Snapshots}/{id}").Delete();
    }
}
