using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>Carries out the operations on snapshots of this host's VMs.</summary>
internal sealed class HostSnapshots(SnapshotGround ground, HostVms vms)
{
    public const string Create = "snapshot.create";
    public const string Restore = "snapshot.restore";
    public const string Delete = "snapshot.delete";
    public const string Suspend = "vm.suspend";
    public const string Merge = "disk.mergeLayers";
    public const string StartParameter = "start";

    private readonly OfflineMerge _offline = new(ground.Users, ground.Time);

    public void Register(OperationExecutor executor)
    {
        executor.Register(Create, CreateAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Restore, RestoreAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Delete, DeleteAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Suspend, (run, token) => vms.RunJobAsync(run.Request.Target.Id, new SuspendJob(ground, run), token), cancellable: true, AfterRestart.Resume);
        executor.Register(Merge, (run, token) => vms.RunJobAsync(run.Request.Target.Id, new MergeJob(ground, run, _offline), token), cancellable: true, AfterRestart.Resume);
    }

    private Task CreateAsync(OperationRun run, CancellationToken cancellationToken)
    {
        var spec = SpecOf(run);
        return vms.RunJobAsync(spec.Vm, new SnapshotJob(ground, run, run.Request.Target.Id, spec), cancellationToken);
    }

    private async Task RestoreAsync(OperationRun run, CancellationToken cancellationToken)
    {
        string id = run.Request.Target.Id;
        var spec = SpecOf(run);
        var status = ground.Cache.Snapshot.Get(Keys.Snapshots.Status, id)?.Record ?? throw Gone(run);
        bool start = (bool?)run.Request.Parameters?[StartParameter] ?? false;
        if (!IsRestored(run, spec, status)) await vms.RunJobAsync(spec.Vm, new RestoreJob(ground, run, id, spec, status, start), cancellationToken);
        if (start || status.Memory is not null) await StartedAsync(run, spec.Vm, cancellationToken);
    }

    private Task DeleteAsync(OperationRun run, CancellationToken cancellationToken)
    {
        string vm = (string?)run.Request.Parameters?["vm"] ?? SpecOf(run).Vm;
        return vms.RunJobAsync(vm, new MergeJob(ground, run, _offline, run.Request.Target.Id), cancellationToken);
    }

    /// <summary>Whether an earlier daemon has come to the commit that restores.</summary>
    private bool IsRestored(OperationRun run, SnapshotSpec spec, SnapshotStatus status)
    {
        var snapshot = ground.Cache.Snapshot;
        if (!run.IsResumed || snapshot.Get(Keys.Vms.Status, spec.Vm)?.Record is not { } vm || vm.Job?.Operation == run.Id) return false;
        return status.Disks.Count > 0
            ? status.Disks.All(disk => snapshot.Get(Keys.Disks.Status, disk.Disk)?.Record.Active == run.Id)
            : vm.Snapshot == run.Request.Target.Id;
    }

    /// <summary>Follows the start that the restore has asked for.</summary>
    private async Task StartedAsync(OperationRun run, string vmId, CancellationToken cancellationToken)
    {
        run.Report(null, "starting the VM");
        using var subscription = ground.Cache.Subscribe(Keys.Vms.Status);
        if (IsOver(subscription.Start)) return;
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            if (IsOver(batch.Snapshot)) return;
        }

        bool IsOver(CacheSnapshot snapshot)
        {
            if (snapshot.Get(Keys.Vms.Status, vmId)?.Record is not { } status) throw Gone(run);
            if (status.StartDue == run.Id) return false;
            if (status is { State: VmState.Stopped or VmState.Suspended, Failure: { } failure })
                throw new ProblemException(ProblemKind.Unprocessable, failure.Code, failure.Message, failure.Remedy);
            return true;
        }
    }

    private SnapshotSpec SpecOf(OperationRun run) => ground.Cache.Snapshot.Get(Keys.Snapshots.Spec, run.Request.Target.Id)?.Record ?? throw Gone(run);

    private static ProblemException Gone(OperationRun run) =>
        ProblemException.Conflict("snapshot.gone", $"Snapshot '{run.Request.Target.Name}' is gone.", "List what there is: lamina vm snapshot list.");
}
