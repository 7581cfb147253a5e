using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms.Recovery;

/// <summary>A host's part in a store that was recovered: it tells once which processes it has. Until then it touches none of them.</summary>
internal sealed class RecoveryReporter(VmHost host, HostVms vms)
{
    private const int MostGuests = 80;

    private static readonly TimeSpan MonitorPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Reports when that is due, then waits; until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await vms.Taken.WaitAsync(cancellationToken);
        while (IsDue(host.Cache.Snapshot))
        {
            try
            {
                await ReportAsync(cancellationToken);
            }
            catch (IOException)
            {
                // The store is away: all of it again.
                await Task.Delay(Pause, host.Time, cancellationToken);
            }
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, host.Time, cancellationToken);
    }

    /// <summary>A store that is recovered is another one for the daemon: it is looked at once.</summary>
    private bool IsDue(CacheSnapshot snapshot) => snapshot.Get(Keys.Recovery, "") is { } recovery && !RecoveryHosts.HasReported(snapshot, recovery, host.HostId);

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        var guests = new List<(string Id, HostGuest Guest)>();
        foreach (var vm in vms.Processes) guests.Add((vm.Definition.Id.ToString(), await LookAsync(vm, cancellationToken)));
        await NewChange().DeletePrefix(Keys.Hosts.AllGuests(host.HostId)).CommitAsync(host.Store, host.Time, cancellationToken);
        foreach (var some in guests.Chunk(MostGuests))
        {
            var change = NewChange();
            foreach (var (id, guest) in some) change.Put(Keys.Hosts.Guests, Keys.Hosts.GuestId(host.HostId, id), guest);
            await change.CommitAsync(host.Store, host.Time, cancellationToken);
        }

        // Last: it says that all are there.
        var report = new HostReport { Generation = host.Generation.Number, At = host.Time.GetUtcNow() };
        var told = await NewChange().Put(Keys.Hosts.Report, host.HostId, report).CommitAsync(host.Store, host.Time, cancellationToken);
        await host.Cache.WaitForRevisionAsync(told.Revision, Pause, cancellationToken);
        if (!told.Succeeded) await Task.Delay(Pause, host.Time, cancellationToken);
    }

    private StoreChange NewChange() => new StoreChange("host.report").OfGeneration(host.Generation);

    /// <summary>A process whose monitor is silent may well run.</summary>
    private async Task<HostGuest> LookAsync(IVm vm, CancellationToken cancellationToken)
    {
        RunState? state = null;
        try
        {
            using var patience = new CancellationTokenSource(MonitorPatience, host.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            state = await vm.QueryStateAsync(either.Token);
        }
        catch (Exception silent) when (silent is VmEngineException or IOException or ObjectDisposedException || (silent is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Nothing is known of it.
        }

        bool runs = !vm.Definition.MigratesIn && state is not (RunState.PostMigrate or RunState.InMigrate or RunState.PreLaunch);
        return new HostGuest { Name = vm.Definition.Name, Epoch = vm.Epoch, Run = vm.Run, Runs = runs };
    }
}
