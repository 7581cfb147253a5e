using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Migration;

namespace Lamina.Server.Maintenance;

/// <summary>Carries out the moves that balancing advises, where that is wished for, while this daemon leads.</summary>
internal sealed partial class Balancer(MaintenanceGround ground, Term term)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>The means of the hosts' loads must have forgotten what was before.</summary>
    private static readonly TimeSpan Cooldown = TimeSpan.FromMinutes(10);

    private readonly ILogger _logger = ground.Loggers.CreateLogger<Balancer>();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, ground.Time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await BalanceAsync(cancellationToken);
            }
            catch (Exception failure) when (failure is not TermEndedException && !cancellationToken.IsCancellationRequested)
            {
                LogFailed(_logger, failure);
            }
        }
    }

    /// <summary>How many moves were begun.</summary>
    internal async Task<int> BalanceAsync(CancellationToken cancellationToken)
    {
        var snapshot = ground.Cache.Snapshot;
        if (Balances.ModeIn(snapshot) != BalanceMode.Auto || !IsQuiet(snapshot)) return 0;
        int begun = 0;
        foreach (var move in Balances.Of(snapshot, ground.Time.GetUtcNow()).Moves)
        {
            var change = new StoreChange("balance.move").During(term);
            var vm = snapshot.Get(Keys.Vms.Spec, move.Vm)!;
            var operation = Migrations.Prepare(change, ground.Requests, snapshot, vm, new MigrationRequest { To = move.To }, Balances.Requester, ground.Time.GetUtcNow());
            ground.Events.Add(change, new EventDraft
            {
                Kind = "balance.move",
                Message = $"VM '{move.VmName}' goes from host '{move.FromName}' to host '{move.ToName}' to even out their load: {move.Reason}",
                Target = operation.Request.Target,
                Project = move.Project,
                Operation = operation.Id,
            });
            if ((await change.CommitAsync(ground.Store, ground.Time, cancellationToken)).EnsureTerm().Succeeded) begun++;
        }

        return begun;
    }

    /// <summary>Nothing is on its way, and the last moves are long enough ago to be seen in the loads. One that lies in the future is from before the clock was set back.</summary>
    private bool IsQuiet(CacheSnapshot snapshot) =>
        !snapshot.All(Keys.Vms.Handover).Any()
        && EvacuationJob.Open(snapshot).Count == 0
        && !snapshot.All(Keys.Operations.Request).Any(request => request.Record.RequestedBy == Balances.Requester && (ground.Time.GetUtcNow() - request.Record.CreatedAt).Duration() < Cooldown);

    [LoggerMessage(Level = LogLevel.Error, Message = "The load of hosts could not be evened out; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception failure);
}
