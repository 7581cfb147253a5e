using System.Globalization;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>
/// A source's disks on their way into a target's exports. Job and node of a disk bear its slot, so that a later daemon finds them; a job that has ended
/// stays listed until <see cref="CloseAsync"/>, so that how it ended can be asked again.
/// </summary>
internal sealed class QemuMirrors(IVm vm, QemuMonitor monitor, QemuMigration migration, QemuJobs jobs, EventWaiters waiters, QemuCredentials credentials, TimeProvider time)
{
    private const string Prefix = "mirror";
    private const string Ready = "ready";
    private const string Concluded = "concluded";
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);

    public static IReadOnlyList<MirrorState> States(IEnumerable<JobInfo> jobs) =>
        [.. jobs.Where(job => SlotOf(job.Id) != null).Select(State).OrderBy(mirror => mirror.Slot)];

    public async Task BeginAsync(MigrationMirrors mirrors, CancellationToken cancellationToken)
    {
        var known = await ListAsync(cancellationToken);
        var missing = mirrors.Disks.Where(disk => known.All(mirror => mirror.Slot != disk.Slot)).ToList();
        if (missing.Count == 0) return;
        var id = mirrors.Credentials is { } given ? await credentials.UseAsync(given, isTarget: false, cancellationToken) : null;
        foreach (var disk in missing) await BeginAsync(mirrors, disk, id, cancellationToken);
    }

    public async Task FollowAsync(Action<IReadOnlyList<MirrorState>>? onProgress, CancellationToken cancellationToken)
    {
        using var changed = Listen();
        while (true)
        {
            var mirrors = await ListAsync(cancellationToken);
            Require(mirrors);
            if (mirrors.All(mirror => mirror.Stage is MirrorStage.Ready or MirrorStage.Ended)) return;
            onProgress?.Invoke(mirrors);
            await NextAsync(changed, cancellationToken);
        }
    }

    public async Task EndAsync(IReadOnlyList<int> slots, CancellationToken cancellationToken)
    {
        using var changed = Listen();
        foreach (var slot in slots)
        {
            var mirror = Find(await ListAsync(cancellationToken), slot);
            Require([mirror]);
            if (mirror.Stage == MirrorStage.Copying) throw Broken($"the copy of disk{slot} is not equal yet");
            if (mirror.Stage == MirrorStage.Ready)
                await monitor.ExecuteAsync(QmpMigrationCommands.EndBlockJob, new BlockJobArguments { Device = NameOf(slot) }, cancellationToken);
            CrashPoints.Reached("qmp", "block-job-cancel", "after");
        }

        while (true)
        {
            var mirrors = await ListAsync(cancellationToken);
            var ours = slots.Select(slot => Find(mirrors, slot)).ToList();
            Require(ours);
            if (ours.All(mirror => mirror.Stage == MirrorStage.Ended))
            {
                if (ours.Find(mirror => mirror.CopiedBytes != mirror.TotalBytes) is { } part) throw Broken($"the copy of disk{part.Slot} is not whole");
                return;
            }

            await NextAsync(changed, cancellationToken);
        }
    }

    public async Task SetSpeedAsync(long? bytesPerSecond, CancellationToken cancellationToken)
    {
        foreach (var mirror in (await ListAsync(cancellationToken)).Where(mirror => mirror.Stage is MirrorStage.Copying or MirrorStage.Ready))
            await monitor.ExecuteAsync(QmpMigrationCommands.SetBlockJobSpeed,
                new BlockJobSpeedArguments { Device = NameOf(mirror.Slot), Speed = bytesPerSecond ?? 0 }, cancellationToken);
    }

    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        foreach (var mirror in await ListAsync(cancellationToken)) await DropAsync(mirror.Slot);
        foreach (var node in await NodesAsync(cancellationToken))
            await monitor.ExecuteAsync(QmpDeviceCommands.BlockdevDelete, new NodeNameArguments { NodeName = node }, cancellationToken);
        if (!await migration.IsUnderWayAsync(cancellationToken)) await credentials.ForgetAsync(cancellationToken);
    }

    private async Task BeginAsync(MigrationMirrors mirrors, MirroredDisk disk, string? credentialsId, CancellationToken cancellationToken)
    {
        var name = NameOf(disk.Slot);
        // A daemon that died between the node and its job.
        if ((await NodesAsync(cancellationToken)).Contains(name))
            await monitor.ExecuteAsync(QmpDeviceCommands.BlockdevDelete, new NodeNameArguments { NodeName = name }, cancellationToken);
        await monitor.ExecuteAsync(QmpMigrationCommands.AddNbdNode, new NbdBlockdev
        {
            NodeName = name,
            Server = new NbdSocketAddress { Host = mirrors.To.Address, Port = (mirrors.To.ExportPort ?? 0).ToString(CultureInfo.InvariantCulture) },
            Export = QemuTarget.ExportName(disk.Slot),
            TlsCreds = credentialsId,
            TlsHostname = credentialsId == null ? null : mirrors.Credentials!.TargetName,
        }, cancellationToken);
        await jobs.BeginMirrorAsync(new BlockdevMirrorArguments
        {
            JobId = name, Device = DiskChain.Of(DiskOf(disk.Slot))[0].Node!, Target = name, Sync = disk.TopOnly ? "top" : "full",
            // The guest's writes do not wait for the other host, which may fall silent; what is left then is copied while the guest stands still.
            CopyMode = "background", Speed = mirrors.BytesPerSecond,
        }, cancellationToken);
    }

    // QEMU 7.2 ends itself when the connection of a mirror that is being given up is broken by yank (tried): so nobody does that.
    private async Task DropAsync(int slot)
    {
        try
        {
            await jobs.CancelAsync(NameOf(slot));
        }
        catch (OperationCanceledException)
        {
            throw Broken($"the target of disk{slot} is silent, and the connection to it has not ended yet");
        }
    }

    private async Task<IReadOnlyList<MirrorState>> ListAsync(CancellationToken cancellationToken) =>
        States(await monitor.ExecuteAsync(QmpJobCommands.QueryJobs, QmpNothing.Instance, cancellationToken));

    private async Task<List<string>> NodesAsync(CancellationToken cancellationToken) =>
        [.. (await monitor.ExecuteAsync(QmpDeviceCommands.QueryBlockNodes, new FlatArguments { Flat = true }, cancellationToken))
            .Select(node => node.NodeName).OfType<string>().Where(name => SlotOf(name) != null)];

    private DiskDefinition DiskOf(int slot) => vm.Definition.Disks.FirstOrDefault(disk => disk.Slot == slot)
        ?? throw new VmEngineException(VmEngineFailure.BadDefinition, $"VM {vm.Definition.Name} has no disk in slot {slot}.", "This is a bug: report it.");

    private EventWaiters.Waiter Listen() => waiters.Listen(happened => happened.Name == QmpJobEvents.JobStatus.Name
        && SlotOf(QmpJobEvents.JobStatus.Read(happened).Id) != null);

    private async Task NextAsync(EventWaiters.Waiter changed, CancellationToken cancellationToken)
    {
        using var pause = new CancellationTokenSource(ProgressInterval, time);
        await changed.NextAsync(pause.Token, cancellationToken);
    }

    private static MirrorState State(JobInfo job) => new()
    {
        Slot = SlotOf(job.Id)!.Value,
        Stage = job.Error != null ? MirrorStage.Failed : job.Status switch
        {
            Ready => MirrorStage.Ready,
            Concluded => MirrorStage.Ended,
            _ => MirrorStage.Copying,
        },
        CopiedBytes = job.CurrentProgress,
        TotalBytes = job.TotalProgress,
        Error = job.Error,
    };

    private static MirrorState Find(IEnumerable<MirrorState> mirrors, int slot) =>
        mirrors.FirstOrDefault(mirror => mirror.Slot == slot) ?? throw Broken($"disk{slot} has no copy under way");

    private static void Require(IEnumerable<MirrorState> mirrors)
    {
        if (mirrors.FirstOrDefault(mirror => mirror.Stage == MirrorStage.Failed) is { } failed) throw Broken($"the copy of disk{failed.Slot} failed: {failed.Error}");
    }

    private static QmpErrorException Broken(string why) => new(QmpJobCommands.BlockdevMirror.Name, "GenericError", why);

    private static string NameOf(int slot) => $"{Prefix}{slot}";

    /// <summary>Null: a job or node of something else.</summary>
    private static int? SlotOf(string name) => name.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var slot) ? slot : null;
}
