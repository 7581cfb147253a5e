using Lamina.Server.Hosts;

namespace Lamina.Server;

/// <summary>Every room's background work.</summary>
internal static class RoomLoops
{
    public static Loops Of(Rooms rooms)
    {
        var loops = new Loops(rooms.Time, rooms.Loggers.CreateLogger<Loops>());
        loops.Add("sweeper", rooms.Sweeper.RunAsync);
        loops.Add("presence", rooms.Presence.RunAsync);
        loops.Add("leadership", rooms.Leadership.RunAsync);
        loops.Add("cancelled operations", rooms.Runs.RunAsync);
        loops.Add("operations", rooms.Executor.RunAsync);
        loops.Add("certificates", rooms.Auth.Tls.RunAsync);
        rooms.Leadership.Add("silent hosts", (term, stopping) => new SilenceKeeper(rooms.Services.Store, rooms.Cache, rooms.Events, rooms.Time, term).RunAsync(stopping));
        if (rooms.Cluster.Peers is { } peers)
            rooms.Leadership.Add("clocks", (term, stopping) => new ClockKeeper(
                rooms.Services.Store, rooms.Cache, rooms.Events, rooms.Host.Id, (host, asking) => ClockKeeper.AskAsync(peers, host, asking), rooms.Time, term).RunAsync(stopping));
        loops.Add("host", stopping => rooms.Host.RunAsync(rooms.Engine, stopping));
        rooms.Storage.Add(loops);
        loops.Add("networks", rooms.Networks.RunAsync);
        rooms.Vms.Add(loops);
        rooms.Snapshots.Add(loops);
        rooms.Migration.Add(loops);
        rooms.Metrics.Add(loops);
        rooms.Memory.Add(loops);
        rooms.Maintenance.Add(loops);
        rooms.Cluster.Add(loops);
        rooms.Upgrades.Add(loops);
        return loops;
    }
}
