using System.Globalization;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;
using MirrorState = Lamina.Server.Migration.Plan.MirrorState;

namespace Lamina.Server.Migration;

/// <summary>What the source does with its QEMU, and what it sees of it.</summary>
internal sealed class SourceStream(MigrationGround ground, string vmId)
{
    private static readonly TimeSpan MonitorPatience = TimeSpan.FromSeconds(5);

    private readonly HandoverClock<(bool InPostCopy, long Transferred)> _moved = new(ground.Host.Time, default);
    private MigrationProgress? _progress;
    private bool _begun;
    private bool _postCopyBegun;
    private int _throttle;
    private int _tried;
    private MigrationCredentials? _credentials;

    /// <summary>The last word of this daemon: the cache may not have it yet.</summary>
    public HandoverSource? Word { get; set; }

    /// <summary>Why it cannot come to an end.</summary>
    public Failure? Problem { get; private set; }

    /// <summary>Why post-copy was begun.</summary>
    public string PostCopyReason { get; private set; } = "";

    public HandoverSource? Said(CacheSnapshot snapshot, string nonce) =>
        Word ?? (snapshot.Get(Keys.Vms.HandoverSource, vmId)?.Record is { } said && said.Nonce == nonce ? said : null);

    public async Task<SourceSeen> SeeAsync(HeldVm vm, VmHandover record, CacheSnapshot snapshot, CancellationToken cancellationToken)
    {
        if (vm.Vm is not { } living)
        {
            bool isAtRest = record.Kind == HandoverKind.Cold && snapshot.Get(Keys.Vms.Status, vmId)?.Record.State is VmState.Stopped or VmState.Suspended;
            return new SourceSeen { Qemu = isAtRest ? SourceQemu.AtRest : SourceQemu.Gone };
        }

        try
        {
            using var deadline = new CancellationTokenSource(MonitorPatience, ground.Host.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            return Seen(await living.QueryMigrationAsync(either.Token), record);
        }
        catch (Exception silent) when (silent is QmpClosedException or QmpErrorException or QmpProtocolException || (silent is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new SourceSeen { Qemu = vm.Vm is null ? SourceQemu.Gone : SourceQemu.Unknown };
        }
    }

    public async Task BeginMirrorsAsync(IVm vm, VmHandover record, CancellationToken cancellationToken) => await vm.BeginMirrorsAsync(
        new MigrationMirrors
        {
            To = EndpointOf(),
            Credentials = await CredentialsAsync(cancellationToken),
            Disks = [.. SlotsOf(record, vm).Select(slot => new MirroredDisk(slot))],
            BytesPerSecond = record.MaxBytesPerSecond,
        },
        cancellationToken);

    public async Task BeginAsync(IVm vm, VmHandover record, CancellationToken cancellationToken)
    {
        var send = new MigrationSend
        {
            To = EndpointOf(),
            Transport = MigrationChoices.TransportOf(record),
            Credentials = await CredentialsAsync(cancellationToken),
            Limits = new MigrationLimits { BytesPerSecond = record.MaxBytesPerSecond },
            AutoConverge = true,
            PauseBeforeSwitchover = MigrationChoices.PausesBeforeSwitch(record),
        };
        await vm.BeginMigrationAsync(send, cancellationToken);
        _begun = true;
    }

    public async Task StartPostCopyAsync(IVm vm, CancellationToken cancellationToken)
    {
        _postCopyBegun = true;
        await vm.StartPostCopyAsync(cancellationToken);
    }

    public Task EndMirrorsAsync(IVm vm, VmHandover record, CancellationToken cancellationToken) => vm.EndMirrorsAsync([.. SlotsOf(record, vm)], cancellationToken);

    /// <summary>Connects post-copy to where the target listens anew; whether or not it comes about, this readiness was tried.</summary>
    public async Task ReconnectAsync(IVm vm, CancellationToken cancellationToken)
    {
        _tried = ground.Now.Get(Keys.Vms.HandoverTarget, vmId)!.Record.Recoveries;
        await vm.ResumePostCopyAsync(EndpointOf(), cancellationToken);
    }

    /// <summary>Only after ABORT is known.</summary>
    public async Task CancelAsync(IVm vm, CancellationToken cancellationToken)
    {
        await vm.CancelMigrationAsync(cancellationToken);
        await vm.CloseMirrorsAsync(cancellationToken);
    }

    /// <summary>How far it is, in words and percent.</summary>
    public void Report(OperationRun run, VmHandover record, SourceQemu qemu, HandoverTarget? target)
    {
        if (qemu == SourceQemu.AtRest && ground.Sender.ProgressOf(record.Nonce) is { } files)
        {
            var (part, said) = MigrationChoices.DescribeFiles(files);
            run.Report(part, said, files);
            return;
        }

        var (percent, words) = MigrationChoices.Describe(qemu, record, _progress, target is not null);
        if (_progress is { } seen && seen.ThrottlePercent != _throttle)
        {
            _throttle = seen.ThrottlePercent;
            if (_throttle > 0) run.Log($"pass {seen.Passes}: the guest is slowed down by {_throttle} %, it writes {Sizes.Format(seen.DirtyBytesPerSecond)} a second and {Sizes.Format(seen.BytesPerSecond)} are sent");
        }

        run.Report(percent, words, _progress is { } sent ? MigrationChoices.TransferOf(sent) : null);
    }

    /// <summary>Figures of its end.</summary>
    public JsonObject Result(VmHandover record)
    {
        if (_progress is not { } progress) return ground.Sender.ProgressOf(record.Nonce) is { } files ? new JsonObject { ["transferredBytes"] = files.TransferredBytes } : [];
        var result = new JsonObject { ["transferredBytes"] = progress.TransferredBytes, ["elapsedMs"] = progress.ElapsedMs, ["passes"] = progress.Passes };
        if (progress.DowntimeMs is { } downtime) result["downtimeMs"] = downtime;
        if (progress.PostCopyRequests > 0 || _postCopyBegun) result["postCopyRequests"] = progress.PostCopyRequests;
        return result;
    }

    private SourceSeen Seen(MigrationState state, VmHandover record)
    {
        _progress = state.Progress ?? _progress;
        var qemu = MigrationChoices.QemuOf(state, _begun, record.Paused);
        string? stuck = qemu == SourceQemu.Moving && !_postCopyBegun ? MigrationChoices.StuckOf(record, _progress) : null;
        if (stuck is not null && record.PostCopy) PostCopyReason = stuck;
        else if (stuck is not null) Problem ??= MigrationChoices.NotConverging(stuck);
        // Whether post-copy had begun when an earlier daemon ended cannot be told: the guest is untouched, so it is given up.
        if (qemu == SourceQemu.PreSwitchover && record.PostCopy && !_postCopyBegun && Word is null) Problem ??= MigrationFailures.SwitchStuck;
        return new SourceSeen
        {
            Qemu = qemu,
            IsHalted = state.Guest is RunState.PostMigrate or RunState.FinishMigrate || (state.Guest is RunState.Paused && !record.Paused),
            IsLoose = record.Paused && state.Guest is RunState.Running,
            Mirrors = MigrationChoices.MirrorsOf(record, state.Mirrors),
            WantsPostCopy = qemu == SourceQemu.PreSwitchover ? _postCopyBegun : record.PostCopy && stuck is not null,
            StalledFor = _moved.Since((qemu is SourceQemu.PostCopy or SourceQemu.PostCopyPaused, _progress?.TransferredBytes ?? 0)),
            TriedRecoveries = _tried,
        };
    }

    private MigrationEndpoint EndpointOf()
    {
        var target = ground.Now.Get(Keys.Vms.HandoverTarget, vmId)!.Record;
        return new MigrationEndpoint(target.Address!, target.Port, target.DiskPort == 0 ? null : target.DiskPort);
    }

    private async Task<MigrationCredentials?> CredentialsAsync(CancellationToken cancellationToken)
    {
        if (_credentials is not null) return _credentials;
        if (ground.Now.Get(Keys.Vms.HandoverTarget, vmId)?.Record.Secret is not { } secret) return null;
        var item = await ground.Host.Store.GetAsync(Keys.Secrets[secret], cancellationToken) ?? throw new ProblemException(
            ProblemKind.Unprocessable, "migration.secretMissing", "The certificates of this migration are gone from the store.", "Ask again.");
        return _credentials = MigrationCertificates.Read(ground.Secrets.Unseal(secret, RecordJson.Read(item, Keys.Secrets).Sealed));
    }

    private IEnumerable<int> SlotsOf(VmHandover record, IVm vm)
    {
        var spec = ground.Now.Get(Keys.Vms.Spec, vmId)?.Record;
        var slots = record.Disks.Select(moved => spec?.Disks.FirstOrDefault(disk => disk.Disk == moved.Disk)?.Slot).OfType<int>().ToHashSet();
        return vm.Definition.Disks.Select(disk => disk.Slot).Where(slots.Contains);
    }
}
