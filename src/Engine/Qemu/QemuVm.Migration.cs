using System.Runtime.InteropServices;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>The part of a VM whose memory comes from, or goes to, elsewhere: another host or a file.</summary>
internal sealed partial class QemuVm
{
    public Task<MigrationState> QueryMigrationAsync(CancellationToken cancellationToken) => _migration.QueryAsync(cancellationToken);

    public Task<MigrationPhase> FollowMigrationAsync(Action<MigrationProgress>? onProgress, CancellationToken cancellationToken) =>
        _migration.FollowAsync(onProgress, cancellationToken);

    public Task<MigrationEndpoint> ListenAsync(MigrationListen listen, CancellationToken cancellationToken) => _target.ListenAsync(listen, cancellationToken);

    public Task StopListeningAsync(CancellationToken cancellationToken) => _target.StopAsync(cancellationToken);

    public Task<MigrationEndpoint> RecoverAsync(MigrationListen listen, CancellationToken cancellationToken) => _target.RecoverAsync(listen, cancellationToken);

    public async Task TakeHaltedAsync(CancellationToken cancellationToken)
    {
        await _target.TakeDisksAsync(cancellationToken);
        if (Definition.MigratesIn) await ReviseAsync(Definition with { MigratesIn = false }, cancellationToken);
    }

    public Task AnnounceAsync(CancellationToken cancellationToken) => _target.AnnounceAsync(cancellationToken);

    public Task<long> MeasureDirtyRateAsync(TimeSpan period, CancellationToken cancellationToken) => _source.MeasureDirtyRateAsync(period, cancellationToken);

    public Task BeginMirrorsAsync(MigrationMirrors mirrors, CancellationToken cancellationToken) => _mirrors.BeginAsync(mirrors, cancellationToken);

    public Task FollowMirrorsAsync(Action<IReadOnlyList<MirrorState>>? onProgress, CancellationToken cancellationToken) =>
        _mirrors.FollowAsync(onProgress, cancellationToken);

    public Task EndMirrorsAsync(IReadOnlyList<int> slots, CancellationToken cancellationToken) => _mirrors.EndAsync(slots, cancellationToken);

    public Task CloseMirrorsAsync(CancellationToken cancellationToken) => _mirrors.CloseAsync(cancellationToken);

    public Task BeginMigrationAsync(MigrationSend send, CancellationToken cancellationToken) => _source.BeginAsync(send, cancellationToken);

    public async Task SetMigrationLimitsAsync(MigrationLimits limits, CancellationToken cancellationToken)
    {
        await _source.SetLimitsAsync(limits, cancellationToken);
        await _mirrors.SetSpeedAsync(limits.BytesPerSecond, cancellationToken);
    }

    public Task StartPostCopyAsync(CancellationToken cancellationToken) => _source.StartPostCopyAsync(cancellationToken);

    public Task ContinueSwitchoverAsync(CancellationToken cancellationToken) => _source.ContinueAsync(cancellationToken);

    public Task ResumePostCopyAsync(MigrationEndpoint to, CancellationToken cancellationToken) => _source.ResumeAsync(to, cancellationToken);

    public Task<MigrationPhase> CancelMigrationAsync(CancellationToken cancellationToken) => _source.CancelAsync(cancellationToken);

    public Task BreakMigrationAsync(CancellationToken cancellationToken) => _migration.BreakAsync(cancellationToken);

    public Task SaveMemoryAsync(SafeHandle file, Action<int> onPercent, CancellationToken cancellationToken) => _memory.SaveAsync(file, onPercent, cancellationToken);

    public Task AbandonMemoryAsync(CancellationToken cancellationToken) => _memory.AbandonAsync(cancellationToken);

    public Task LoadMemoryAsync(SafeHandle file, CancellationToken cancellationToken)
    {
        _isUntouched = false;
        return _memory.LoadAsync(file, cancellationToken);
    }

    public async Task AdoptEpochAsync(long epoch, long run, CancellationToken cancellationToken)
    {
        await _revising.WaitAsync(cancellationToken);
        try
        {
            if (epoch <= Epoch)
                throw new VmEngineException(VmEngineFailure.BadDefinition, $"VM {Definition.Name} is of epoch {Epoch}, which {epoch} is not above.", "This is a bug: report it.");
            Write(Definition with { Epoch = epoch, Run = run });
        }
        finally
        {
            _revising.Release();
        }
    }

    // The record first: whoever finds this process dead must know that it may have run.
    private async Task ContinueArrivedAsync(CancellationToken cancellationToken)
    {
        await ReviseAsync(Definition with { MigratesIn = false }, cancellationToken);
        try
        {
            await SendAsync(QmpCommands.Continue, cancellationToken);
        }
        catch (QmpErrorException)
        {
            await ReviseAsync(Definition with { MigratesIn = true }, CancellationToken.None);
            throw;
        }
    }

    private void Write(VmDefinition definition)
    {
        var revised = _record with { Definition = definition };
        _folder.WriteRecord(revised);
        _record = revised;
    }
}
