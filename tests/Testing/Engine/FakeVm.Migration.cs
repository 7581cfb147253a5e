using Lamina.Engine;
using Lamina.Engine.Migration;

namespace Lamina.Testing.Engine;

public sealed partial class FakeVm
{
    public Task<MigrationState> QueryMigrationAsync(CancellationToken cancellationToken) =>
        DoAsync("QueryMigration", _guest.QueryMigration, cancellationToken);

    public async Task<MigrationPhase> FollowMigrationAsync(Action<MigrationProgress>? onProgress, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("FollowMigration", needsMonitor: true, cancellationToken);
        return await _guest.FollowMigrationAsync(onProgress, cancellationToken);
    }

    public Task<MigrationEndpoint> ListenAsync(MigrationListen listen, CancellationToken cancellationToken) =>
        DoAsync("Listen", () => _guest.Listen(listen), cancellationToken);

    public Task StopListeningAsync(CancellationToken cancellationToken) => DoAsync("StopListening", _guest.StopListening, cancellationToken);

    public async Task<MigrationEndpoint> RecoverAsync(MigrationListen listen, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("Recover", needsMonitor: false, cancellationToken);
        return _guest.Recover(listen);
    }

    public Task TakeHaltedAsync(CancellationToken cancellationToken) => DoAsync("TakeHalted", _guest.TakeHalted, cancellationToken);

    public Task AnnounceAsync(CancellationToken cancellationToken) => _guest.RecordCallAsync("Announce", needsMonitor: true, cancellationToken);

    public Task<long> MeasureDirtyRateAsync(TimeSpan period, CancellationToken cancellationToken) =>
        DoAsync("MeasureDirtyRate", () => _guest.Migration.DirtyBytesPerSecond, cancellationToken);

    public Task BeginMirrorsAsync(MigrationMirrors mirrors, CancellationToken cancellationToken) =>
        DoAsync("BeginMirrors", () => _guest.BeginMirrors(mirrors), cancellationToken);

    public async Task FollowMirrorsAsync(Action<IReadOnlyList<MirrorState>>? onProgress, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("FollowMirrors", needsMonitor: true, cancellationToken);
        await _guest.FollowMirrorsAsync(onProgress, cancellationToken);
    }

    public Task EndMirrorsAsync(IReadOnlyList<int> slots, CancellationToken cancellationToken) =>
        DoAsync("EndMirrors", () => _guest.EndMirrors(slots), cancellationToken);

    public Task CloseMirrorsAsync(CancellationToken cancellationToken) => DoAsync("CloseMirrors", _guest.CloseMirrors, cancellationToken);

    public Task BeginMigrationAsync(MigrationSend send, CancellationToken cancellationToken) =>
        DoAsync("BeginMigration", () => _guest.BeginMigration(send), cancellationToken);

    public Task SetMigrationLimitsAsync(MigrationLimits limits, CancellationToken cancellationToken) =>
        DoAsync("SetMigrationLimits", () => _guest.Migration.Limits = limits, cancellationToken);

    public Task StartPostCopyAsync(CancellationToken cancellationToken) => DoAsync("StartPostCopy", _guest.StartPostCopy, cancellationToken);

    public Task ContinueSwitchoverAsync(CancellationToken cancellationToken) =>
        DoAsync("ContinueSwitchover", _guest.ContinueSwitchover, cancellationToken);

    public Task ResumePostCopyAsync(MigrationEndpoint to, CancellationToken cancellationToken) =>
        DoAsync("ResumePostCopy", () => _guest.ResumePostCopy(to), cancellationToken);

    public Task<MigrationPhase> CancelMigrationAsync(CancellationToken cancellationToken) =>
        DoAsync("CancelMigration", _guest.CancelMigration, cancellationToken);

    public async Task BreakMigrationAsync(CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("BreakMigration", needsMonitor: false, cancellationToken);
        _guest.BreakMigration();
    }

    public async Task AdoptEpochAsync(long epoch, long run, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync("AdoptEpoch", needsMonitor: false, cancellationToken);
        _guest.AdoptEpoch(epoch, run);
    }

    private async Task DoAsync(string name, Action act, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync(name, needsMonitor: true, cancellationToken);
        act();
    }

    private async Task<T> DoAsync<T>(string name, Func<T> ask, CancellationToken cancellationToken)
    {
        await _guest.RecordCallAsync(name, needsMonitor: true, cancellationToken);
        return ask();
    }
}
