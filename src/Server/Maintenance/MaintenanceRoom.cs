using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Metrics;
using Lamina.Server.Operations;

namespace Lamina.Server.Maintenance;

/// <summary>The room Maintenance, put together: hosts that are emptied and filled, and their load.</summary>
internal sealed class MaintenanceRoom
{
    private readonly MaintenanceGround _ground;
    private readonly Leadership _leadership;
    private readonly LatestView _load;

    /// <param name="ground">Of the controllers.</param>
    /// <param name="leadership">Runs them.</param>
    /// <param name="executor">Carries out what this host is asked.</param>
    /// <param name="host">This host.</param>
    /// <param name="sampler">Of its load.</param>
    /// <param name="ask">Null: this daemon may not ask the machine.</param>
    public MaintenanceRoom(MaintenanceGround ground, Leadership leadership, OperationExecutor executor, MaintenanceHost host, MetricSampler sampler, AskMachine? ask)
    {
        _ground = ground;
        _leadership = leadership;
        _load = new LoadKeeper(host.Id, ground.Store, ground.Cache, ground.Time, ground.Loggers.CreateLogger<LoadKeeper>()).Samples();
        sampler.Sampled += _load.Look;
        Register(executor, ground, host, ask);
    }

    public static void Register(OperationExecutor executor, MaintenanceGround ground, MaintenanceHost host, AskMachine? ask)
    {
        executor.ServedElsewhere([.. EvacuationJob.Kinds]);
        new HostPowerHand(host, ground.Cache, ask, ground.Time).Register(executor);
    }

    public void Map(ApiRoutes api)
    {
        new MaintenanceEndpoints(_ground.Requests, _ground.Events, _ground.Time).Map(api);
        api.Get("/v1/placement/balance", Permission.View, "Shows the load of the hosts, and the moves that would even it out", ShowBalance)
            .Answers(ApiJson.Default.BalanceReport).InstallationWide();
    }

    public void Add(Loops loops)
    {
        _leadership.Add("evacuations", (term, stopping) => new EvacuationController(_ground, term).RunAsync(stopping));
        _leadership.Add("balancer", (term, stopping) => new Balancer(_ground, term).RunAsync(stopping));
        loops.Add("load", _load.RunAsync);
    }

    private ApiAnswer ShowBalance(ApiRequest request) => ApiAnswer.Ok(Balances.Of(request.Snapshot, _ground.Time.GetUtcNow()), ApiJson.Default.BalanceReport);
}
