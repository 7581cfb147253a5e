using System.Net;
using System.Net.Sockets;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>The side from which a guest goes.</summary>
internal sealed class QemuSource(IVm vm, QemuMonitor monitor, QemuMigration migration, QemuCredentials credentials, OutOfBandLine line, TimeProvider time)
{
    private const string ResumeFd = "resume";

    private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ResumePatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MeasureInterval = TimeSpan.FromMilliseconds(200);

    public async Task BeginAsync(MigrationSend send, CancellationToken cancellationToken)
    {
        MigrationRules.Require(send, vm.Record.EngineVersion);
        // Later, when it is needed, QEMU may not take it up any more.
        await line.OpenAsync(cancellationToken);
        // Mirrors may use them already.
        var id = send.Credentials is { } given ? await credentials.UseAsync(given, isTarget: false, cancellationToken) : null;
        await monitor.ExecuteAsync(QmpMigrationCommands.SetCapabilities,
            MigrationSettings.Live(send.Transport, send.AutoConverge, send.PauseBeforeSwitchover), cancellationToken);
        await monitor.ExecuteAsync(QmpMigrationCommands.SetParameters, MigrationSettings.Of(send.Transport, id, send.Credentials?.TargetName), cancellationToken);
        await monitor.ExecuteAsync(QmpMigrationCommands.SetParameters, MigrationSettings.Of(send.Limits), cancellationToken);
        CrashPoints.Reached("qmp", "migrate", "before");
        await monitor.ExecuteAsync(QmpMigrationCommands.Migrate, new UriArguments { Uri = MigrationSettings.Uri(send.To.Address, send.To.Port) }, cancellationToken);
        CrashPoints.Reached("qmp", "migrate", "after");
    }

    public Task SetLimitsAsync(MigrationLimits limits, CancellationToken cancellationToken) =>
        monitor.ExecuteAsync(QmpMigrationCommands.SetParameters, MigrationSettings.Of(limits), cancellationToken);

    public Task StartPostCopyAsync(CancellationToken cancellationToken) =>
        monitor.ExecuteAsync(QmpMigrationCommands.StartPostCopy, QmpNothing.Instance, cancellationToken);

    public async Task ContinueAsync(CancellationToken cancellationToken)
    {
        using var changed = migration.Listen();
        CrashPoints.Reached("qmp", "migrate-continue", "before");
        await monitor.ExecuteAsync(QmpMigrationCommands.Continue, new MigrationStatusArguments { State = "pre-switchover" }, cancellationToken);
        CrashPoints.Reached("qmp", "migrate-continue", "after");
        await migration.LeaveAsync(changed, phase => phase != MigrationPhase.PreSwitchover, cancellationToken);
    }

    /// <summary>
    /// QEMU 7.2 ends itself when a connection that it makes for this fails late, after another has succeeded (migrate_fd_connect asserts). So it never makes one:
    /// it is given one that stands, and what does not get on with that is cut here before anything else is tried.
    /// </summary>
    public async Task ResumeAsync(MigrationEndpoint to, CancellationToken cancellationToken)
    {
        using var changed = migration.Listen();
        using var deadline = new CancellationTokenSource(ResumePatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var address = IPAddress.Parse(to.Address);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, to.Port, either.Token);
            await monitor.ExecuteWithHandleAsync(QmpCommands.GetFd, new FdNameArguments { FdName = ResumeFd }, socket.SafeHandle, either.Token);
            CrashPoints.Reached("qmp", "migrate-resume", "before");
            await monitor.ExecuteAsync(QmpMigrationCommands.Resume, new ResumeMigrationArguments { Uri = $"fd:{ResumeFd}" }, either.Token);
            CrashPoints.Reached("qmp", "migrate-resume", "after");
            await migration.LeaveAsync(changed, phase => phase is not (MigrationPhase.PostCopyPaused or MigrationPhase.PostCopyRecover), either.Token);
        }
        catch (Exception exception) when (exception is SocketException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            if (socket.Connected) socket.Shutdown(SocketShutdown.Both);
            throw new QmpErrorException(QmpMigrationCommands.Resume.Name, "GenericError", $"the target was not reached: {exception.Message}");
        }
    }

    public async Task<MigrationPhase> CancelAsync(CancellationToken cancellationToken)
    {
        using var changed = migration.Listen();
        var info = await migration.AskAsync(cancellationToken);
        var phase = info == null ? migration.Phase : MigrationPhases.Parse(info.Status);
        MigrationRules.RequireCancellable(vm.Definition, phase);
        if (IsOver(phase)) return phase;
        CrashPoints.Reached("qmp", "migrate_cancel", "before");
        using (var patience = new CancellationTokenSource(CancelPatience, time))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken))
        {
            try
            {
                await monitor.ExecuteAsync(QmpMigrationCommands.Cancel, QmpNothing.Instance, either.Token);
                return await migration.LeaveAsync(changed, IsOver, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Stuck in a connection that nobody reads: it is broken below.
            }
        }

        await migration.BreakAsync(cancellationToken);
        return await migration.LeaveAsync(changed, IsOver, cancellationToken);
    }

    public async Task<long> MeasureDirtyRateAsync(TimeSpan period, CancellationToken cancellationToken)
    {
        if (await QueryRateAsync(cancellationToken) is not { Status: "measuring" })
            await monitor.ExecuteAsync(QmpMigrationCommands.MeasureDirtyRate, new DirtyRateArguments { CalcTime = (long)period.TotalSeconds }, cancellationToken);
        while (true)
        {
            if (await QueryRateAsync(cancellationToken) is { Status: "measured", DirtyRate: { } mebibytes }) return mebibytes << 20;
            await Task.Delay(MeasureInterval, time, cancellationToken);
        }
    }

    private Task<DirtyRateInfo> QueryRateAsync(CancellationToken cancellationToken) =>
        monitor.ExecuteAsync(QmpMigrationCommands.QueryDirtyRate, QmpNothing.Instance, cancellationToken);

    private static bool IsOver(MigrationPhase phase) =>
        phase is MigrationPhase.None or MigrationPhase.Completed or MigrationPhase.Failed or MigrationPhase.Cancelled;
}
