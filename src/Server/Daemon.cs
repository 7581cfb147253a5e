using Lamina.Engine;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Maintenance;
using Lamina.Server.Store;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lamina.Server;

/// <summary>How a daemon is made; tests give their own.</summary>
internal sealed record DaemonOptions
{
    public required InstanceOptions Instance { get; init; }
    public required TimeProvider Time { get; init; }

    /// <summary>Where instances claim their numbers.</summary>
    public string Registry { get; init; } = InstanceClaim.Registry;

    /// <summary>Replaces QEMU.</summary>
    public IVmEngine? Engine { get; init; }

    /// <summary>Replaces the machine's name.</summary>
    public string? HostName { get; init; }

    /// <summary>Replaces the store of the data folder; left open. Several daemons may have one in common.</summary>
    public IStore? Store { get; init; }

    /// <summary>Listens for other members besides, and marks their connections with <see cref="PeerCaller"/>.</summary>
    public Action<KestrelServerOptions>? ListenForPeers { get; init; }

    /// <summary>Asks this machine for its reboot; null, as in every test: the daemon may not.</summary>
    public AskMachine? AskMachine { get; init; }

    /// <summary>Replaces where the log goes.</summary>
    public Action<ILoggingBuilder>? Log { get; init; }
}

/// <summary>
/// One daemon: its <see cref="Rooms"/>, served by <see cref="RoomEndpoints"/> and kept at work by <see cref="RoomLoops"/>. Opening has no effect
/// beyond the data folder; <see cref="StartAsync"/> begins to serve and to act.
/// </summary>
internal sealed partial class Daemon : IAsyncDisposable
{
    private readonly OpenedParts _parts;
    private readonly Rooms _rooms;
    private readonly WebApplication _app;
    private readonly Loops _loops;
    private readonly DaemonRestart _restart;
    private bool _stopped;

    private Daemon(OpenedParts parts, Rooms rooms, WebApplication app, Loops loops, DaemonRestart restart)
    {
        _parts = parts;
        _rooms = rooms;
        _app = app;
        _loops = loops;
        _restart = restart;
    }

    public Instance Instance => _rooms.Instance;

    public Uri Address => WebHost.AddressOf(_app);

    public string CaFingerprint => _rooms.Auth.Tls.CaFingerprint;

    /// <summary>The first administrator's, when this start made it.</summary>
    public string? FirstPassword => _rooms.Auth.FirstPassword;

    /// <summary>Completes when the daemon is to be closed and opened anew, on the store that it has now.</summary>
    public Task RestartAsked => _restart.Asked;

    /// <summary>It is to be another process then.</summary>
    public bool RestartsInNewProcess => _restart.InNewProcess;

    /// <summary>Faults when a loop that must never end has failed; else completes when the daemon has stopped.</summary>
    public Task Failed => _loops.Ended;

    /// <summary>For tests.</summary>
    internal PeerDirectory Peers => _rooms.Services.Peers;

    /// <summary>For tests.</summary>
    internal string HostId => _rooms.Host.Id;

    /// <summary>For tests.</summary>
    internal Cache Cache => _rooms.Cache;

    /// <summary>For tests.</summary>
    internal IStore Store => _rooms.Services.Store;

    public static async Task<Daemon> OpenAsync(DaemonOptions options, CancellationToken cancellationToken = default)
    {
        var opened = new OpenedParts();
        var restart = new DaemonRestart();
        try
        {
            var rooms = await Rooms.OpenAsync(options, restart, opened, cancellationToken);
            var app = opened.Add(RoomEndpoints.Build(rooms, options.ListenForPeers));
            return new Daemon(opened, rooms, app, opened.Add(RoomLoops.Of(rooms)), restart);
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Serves and acts. Returns when the API answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await WebHost.StartAsync(_app, cancellationToken);
        LocalSocket.Admit(Instance.LocalSocket);
        _loops.Start();
        var change = new StoreChange("daemon.start");
        _rooms.Events.Add(change, new EventDraft { Kind = "daemon.started", Message = $"laminad {BuildInformation.Version} has started." });
        try
        {
            await change.CommitAsync(Store, _rooms.Time, cancellationToken);
        }
        catch (Exception away) when (away is StoreUnavailableException or StoreOutcomeUnknownException)
        {
            // A store that falls silent just now ends no daemon: it serves and waits, as it does later on.
            LogNotTold(_app.Logger, away);
        }
    }

    /// <summary>Stops serving and acting. Guests run on: nothing here touches them.</summary>
    public async Task StopAsync()
    {
        if (_stopped) return;
        _stopped = true;
        await _rooms.Stopping.CancelAsync();
        await _loops.StopAsync();
        await _app.StopAsync(CancellationToken.None);
    }

    /// <summary>The API's description as JSON.</summary>
    public Task<string> DescribeApiAsync() => OpenApiDescription.WriteAsync(_app.Services);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _parts.DisposeAsync();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "That this daemon has started could not be written among the events")]
    private static partial void LogNotTold(ILogger logger, Exception failure);
}
