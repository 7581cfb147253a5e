using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Migration;

/// <summary>The room Migration of this host, put together.</summary>
internal sealed class MigrationRooms
{
    private readonly MigrationGround _ground;
    private readonly HostMigrations _migrations;

    public MigrationRooms(MigrationGround ground, OperationExecutor executor)
    {
        _ground = ground;
        _migrations = new HostMigrations(ground);
        executor.ServedElsewhere(Migrations.Operation);
    }

    public void Map(ApiRoutes api)
    {
        var (operations, time) = (new OperationRequests(_ground.Host.Time), _ground.Host.Time);
        new MigrationEndpoints(operations, time).Map(api);
        new MigrationSettingsEndpoints(_ground.Host.Events).Map(api);
        new TakeoverEndpoints(operations, _ground.Host.Events, time).Map(api);
    }

    public void Map(PeerRoutes peers) => _ground.Sender.Map(peers);

    public void Add(Loops loops) => loops.Add("migrations", _migrations.RunAsync);
}
