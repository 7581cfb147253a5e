using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>
/// Clones VMs on this machine. Names, addresses and secrets were taken with the request; the VM and its disks are one commit when all files are
/// in place, and from then on the VM's runner does the rest. Begun again after a crash, it starts over: until that commit nobody knows the files.
/// </summary>
internal sealed class HostClones(CopyParts parts, DiskCopier copier, CopySources sources)
{
    public const string Clone = "vm.clone";

    /// <summary>Members of the result: the VM's id, and the operation that completes it or starts it.</summary>
    public const string VmResult = "vm";
    public const string OperationResult = "operation";

    private const int MostAttempts = 20;

    private readonly OperationRequests _requests = new(parts.Time);

    public void Register(OperationExecutor executor) => executor.Register(Clone, CloneAsync, cancellable: true, AfterRestart.Resume);

    private async Task CloneAsync(OperationRun run, CancellationToken cancellation)
    {
        var draft = run.Request.Parameters?[CloneDraft.Parameter].Deserialize(CopiesJson.Default.CloneDraft)
            ?? throw new InvalidOperationException($"Operation {run.Id} says nothing of the clone.");
        using var uses = await UseFoldersAsync(run.Id, draft, cancellation);
        try
        {
            var statuses = draft.Linked ? await LinkAsync(draft, cancellation) : await CopyAsync(run, draft, cancellation);
            cancellation.ThrowIfCancellationRequested();
            run.SetCancellable(false);
            await FinishAsync(run, draft, statuses);
        }
        catch (Exception failure) when (failure is not StoreOutcomeUnknownException)
        {
            RemoveFiles(draft);
            throw;
        }
        finally
        {
            copier.End(run.Id, CopiesOf(draft, _ => DiskLayer.First));
        }
    }

    /// <summary>Thin disks on frozen layers, which stay as they are while they are looked at.</summary>
    private async Task<IReadOnlyList<DiskStatus>> LinkAsync(CloneDraft draft, CancellationToken cancellation)
    {
        using var pass = await parts.Disks.Gate.ReadAsync([.. draft.Disks.Select(disk => disk.Source)], cancellation);
        RequireFrozen(draft, parts.Cache.Snapshot);
        var statuses = new List<DiskStatus>();
        foreach (var disk in draft.Disks)
        {
            parts.Disks.Delete(disk.Id, disk.Spec); // what an earlier attempt made
            statuses.Add((await parts.Disks.EnsureAsync(disk.Id, disk.Spec, cancellation))!);
        }

        CopyOwnFiles(draft, draft.Snapshot);
        return statuses;
    }

    private async Task<IReadOnlyList<DiskStatus>> CopyAsync(OperationRun run, CloneDraft draft, CancellationToken cancellation)
    {
        IReadOnlyList<DiskStatus> statuses = [];
        await sources.ReadAsync(run, draft.Source, draft.Snapshot, [.. draft.Disks.Select(disk => disk.Source)], async (point, token) =>
        {
            var copies = CopiesOf(draft, disk => point.LayerOf(disk.Source));
            statuses = await copier.CopyAsync(run, copies, token);
            copier.Place(run.Id, copies);
            CopyOwnFiles(draft, point.Snapshot);
        }, cancellation);
        return statuses;
    }

    /// <summary>The commit that makes the clone a VM; decided anew when what it stands on was changed meanwhile.</summary>
    private async Task FinishAsync(OperationRun run, CloneDraft draft, IReadOnlyList<DiskStatus> statuses)
    {
        for (int attempt = 1; ; attempt++)
        {
            var snapshot = parts.Cache.Snapshot;
            var change = new StoreChange("vm.cloned");
            if (draft.Linked) RequireFrozen(draft, snapshot, change);
            var operation = _requests.Add(change, new OperationDraft
            {
                Kind = VmOperations.Create,
                Target = run.Request.Target,
                Project = draft.Spec.Project,
                RequestedBy = run.Request.RequestedBy,
            });
            var power = new VmPower { Wanted = draft.Start ? PowerWanted.Running : PowerWanted.Stopped, Request = operation.Id };
            VmRecords.Write(change, draft.ToVmDraft() with { Spec = draft.Spec with { Power = power } }, snapshot);
            for (int index = 0; index < statuses.Count; index++) change.Put(Keys.Disks.Status, draft.Disks[index].Id, statuses[index]);
            parts.Events.Add(change, new EventDraft
            {
                Kind = "vm.cloned",
                Message = $"VM '{draft.Spec.Name}' was cloned from '{snapshot.Get(Keys.Vms.Spec, draft.Source)?.Record.Name ?? draft.Source}'.",
                Target = run.Request.Target,
                Project = draft.Spec.Project,
                Operation = run.Id,
            });
            var outcome = OperationOutcome.SucceededWith(new JsonObject { [VmResult] = draft.Id, [OperationResult] = operation.Id });
            var result = await run.EndAsync(outcome, change, CancellationToken.None);
            if (result.Succeeded) return;
            if (attempt == MostAttempts) throw ProblemException.Conflict("clone.overtaken", $"What VM '{draft.Spec.Name}' was to be made from is changed all the time.", "Ask again when it is at rest.");
            await parts.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2));
        }
    }

    /// <summary>What linked clones stand on: a template, or a snapshot's layers, and the disks as they were looked at.</summary>
    private static void RequireFrozen(CloneDraft draft, CacheSnapshot snapshot, StoreChange? change = null)
    {
        var source = snapshot.Get(Keys.Vms.Spec, draft.Source);
        if (source is null || source.Record.Deleting is not null || (draft.Snapshot is null && !source.Record.Template))
            throw ProblemException.Conflict("clone.sourceGone", $"What VM '{draft.Spec.Name}' was to be linked to is no template any more.", "Name another template or snapshot.");
        change?.Require(Keys.Vms.Spec[source.Id], source.ModRevision);
        foreach (var disk in draft.Disks)
        {
            var status = snapshot.Get(Keys.Disks.Status, disk.Source);
            var layers = new DiskLayers(status?.Record);
            if (status is null || !layers.Has(disk.Layer!) || (draft.Snapshot is not null && layers.Active == disk.Layer))
                throw ProblemException.Conflict("clone.sourceGone", $"The state that VM '{draft.Spec.Name}' was to be linked to is no more.", "Name another snapshot or template.");
            change?.Require(Keys.Disks.Status[disk.Source], status.ModRevision);
        }
    }

    /// <summary>The firmware's variables: boot entries and keys belong to what is installed on the disks. A TPM is another one in each machine.</summary>
    private void CopyOwnFiles(CloneDraft draft, string? snapshot)
    {
        if (draft.Spec.Firmware != VmFirmware.Uefi || parts.Cache.Snapshot.Get(Keys.Vms.Spec, draft.Source) is not { } source) return;
        var from = parts.Pools.PathsOf(VmHome.PoolOf(parts.Cache.Snapshot, source.Record));
        string file = sources.NvramOf(draft.Source, from, snapshot);
        if (!File.Exists(file)) return;
        var to = parts.Pools.PathsOf(HomeOf(draft));
        using (var root = RootedDirectory.Open(to.Root))
        {
            root.CreateDirectory(Path.Join("vms", draft.Id));
            root.CreateDirectory(Path.Join("vms", draft.Id, "nvram"));
        }

        DurableFile.Write(to.Nvram(draft.Id), File.ReadAllBytes(file), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        CrashPoints.Reached("copy", "nvram", "after");
    }

    private string HomeOf(CloneDraft draft) => VmHome.PoolOf(parts.Cache.Snapshot, draft.Spec);

    /// <summary>Nobody knows these files: their records were not written.</summary>
    private void RemoveFiles(CloneDraft draft)
    {
        foreach (var disk in draft.Disks) parts.Disks.Delete(disk.Id, disk.Spec);
        using var root = RootedDirectory.Open(parts.Pools.PathsOf(HomeOf(draft)).Root);
        root.DeleteDirectory(Path.Join("vms", draft.Id));
    }

    private async Task<CompositeUse> UseFoldersAsync(string operation, CloneDraft draft, CancellationToken cancellation)
    {
        var uses = new CompositeUse();
        foreach (string pool in draft.Disks.Select(disk => disk.Spec.Pool).Distinct(StringComparer.Ordinal))
            uses.Add(await parts.Pools.Temporaries.UseAsync(parts.Pools.PathsOf(pool).Temporary(operation), cancellation));
        return uses;
    }

    private IReadOnlyList<DiskCopy> CopiesOf(CloneDraft draft, Func<ClonedDisk, string> layerOf) =>
        [.. draft.Disks.Select(disk => new DiskCopy(disk.Source, parts.Cache.Snapshot.Get(Keys.Disks.Spec, disk.Source)?.Record ?? disk.Spec, layerOf(disk), disk.Id, disk.Spec))];
}
