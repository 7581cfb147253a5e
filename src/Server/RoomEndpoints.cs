using Lamina.Server.Auth;
using Lamina.Server.Backups;
using Lamina.Server.Consoles;
using Lamina.Server.Disks;
using Lamina.Server.Doctor;
using Lamina.Server.Events;
using Lamina.Server.FirewallGroups;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Networks;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Operations;
using Lamina.Server.Placement;
using Lamina.Server.Projects;
using Lamina.Server.Support;
using Lamina.Server.Snapshots;
using Lamina.Server.Vms;
using Lamina.Server.Web;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lamina.Server;

/// <summary>What each request passes, and every room's endpoints in the order of the rooms.</summary>
internal static class RoomEndpoints
{
    /// <param name="rooms">All of them.</param>
    /// <param name="listenForPeers">Opens further sockets, for other members; null: none.</param>
    public static WebApplication Build(Rooms rooms, Action<KestrelServerOptions>? listenForPeers = null)
    {
        var app = WebHost.Build(rooms.Loggers, kestrel =>
        {
            foreach (var address in WebHost.AddressesOf(rooms.Configuration.Api, rooms.Instance, rooms.Cluster.ListeningAt)) rooms.Auth.Listen(kestrel, address);
            rooms.Cluster.Listen(kestrel);
            LocalSocket.Listen(kestrel, rooms.Instance.LocalSocket);
            listenForPeers?.Invoke(kestrel);
        });
        app.Use(next => http => rooms.Metrics.Counters.InvokeAsync(http, next));
        var problems = new ProblemMiddleware(rooms.Time, rooms.Loggers.CreateLogger<ProblemMiddleware>());
        app.Use(next => http => problems.InvokeAsync(http, next));
        app.UseResponseCompression();
        ConsoleSockets.Use(app);
        if (rooms.Cluster.Gate is { } gate) app.Use(next => http => gate.InvokeAsync(http, next));
        app.Use(next => http => rooms.Auth.Authentication.InvokeAsync(http, next));
        app.UseRouting();
        var api = new ApiRoutes(app, new ApiDispatcher(rooms.Services));
        Map(rooms, api);
        var peers = new PeerRoutes(app);
        ClockKeeper.Map(peers, rooms.Time);
        rooms.Storage.Map(peers);
        rooms.Migration.Map(peers);
        rooms.Cluster.Map(api, peers);
        rooms.Upgrades.Map(api, peers);
        OpenApiDescription.Map(app);
        WebConsole.Map(app);
        // Now and not at the start, so that the API can be described without one.
        app.UseEndpoints(static _ => { });
        return app;
    }

    private static void Map(Rooms rooms, ApiRoutes api)
    {
        WatchKind[] watched = [OperationEndpoints.Watch, ProjectEndpoints.Watch, HostEndpoints.Watch, VmViews.Watch, SnapshotEndpoints.Watch, FirewallGroupEndpoints.Watch, PlacementRuleEndpoints.Watch, NetworkEndpoints.Watch, .. StorageRooms.Watches];
        ServerEndpoints.Map(api, rooms.Instance, rooms.Cache, rooms.Auth.Tls.CaFingerprint);
        new WatchEndpoint(rooms.Services, watched).Map(api);
        new EventEndpoints(rooms.Services).Map(api);
        new OperationEndpoints(rooms.Services).Map(api);
        rooms.Auth.Map(api);
        ProjectEndpoints.Map(api);
        new HostEndpoints(rooms.Events, HostFitnesses.In).Map(api);
        new OperatingSystemEndpoints(rooms.OperatingSystems).Map(api);
        rooms.Storage.Map(api);
        new NetworkEndpoints(rooms.Networks, new OperationRequests(rooms.Time), rooms.Events, rooms.Time).Map(api);
        new ForwardEndpoints(rooms.Networks, rooms.Events).Map(api);
        new FirewallGroupEndpoints(rooms.Events, rooms.Time).Map(api);
        new PlacementEndpoints(rooms.Events).Map(api);
        new PlacementRuleEndpoints(rooms.Events, rooms.Time).Map(api);
        rooms.Vms.Map(api);
        rooms.Consoles.Map(api);
        rooms.Snapshots.Map(api);
        rooms.Copies.Map(api);
        rooms.Migration.Map(api);
        new ScreenEndpoints(rooms.Vms.Vms.TryGetRunning, rooms.Time).Map(api);
        rooms.Metrics.Map(api);
        rooms.Memory.Map(api);
        rooms.Maintenance.Map(api);
        new BackupEndpoints(rooms.Instance, rooms.Time).Map(api);
        var doctor = new DoctorCollector(rooms.Instance, rooms.Host, rooms.Auth.Tls, rooms.Cache, rooms.Sweeper, rooms.Networks, rooms.Time);
        DoctorEndpoints.Map(api, doctor);
        new LogEndpoints(rooms.Log).Map(api);
        new SupportEndpoints(new SupportBundle(rooms.Instance, rooms.Cache, doctor, rooms.Log, rooms.Time)).Map(api);
    }
}
