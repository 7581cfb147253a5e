using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>The part of a VM that comes from, or goes to, another host.</summary>
internal sealed partial class QemuVm
{
    public Task<MigrationState> QueryMigrationAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<MigrationPhase> FollowMigrationAsync(Action<MigrationProgress>? onProgress, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<MigrationEndpoint> ListenAsync(MigrationListen listen, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task StopListeningAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<MigrationEndpoint> RecoverAsync(MigrationListen listen, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task AnnounceAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<long> MeasureDirtyRateAsync(TimeSpan period, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task BeginMirrorsAsync(MigrationMirrors mirrors, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task FollowMirrorsAsync(Action<IReadOnlyList<MirrorState>>? onProgress, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task EndMirrorsAsync(IReadOnlyList<int> slots, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task CloseMirrorsAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task BeginMigrationAsync(MigrationSend send, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task SetMigrationLimitsAsync(MigrationLimits limits, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task StartPostCopyAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task ContinueSwitchoverAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task ResumePostCopyAsync(MigrationEndpoint to, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<MigrationPhase> CancelMigrationAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task BreakMigrationAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

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
