using Lamina.Engine;
using Lamina.Linux.Cgroups;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Networks;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms.Recovery;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms;

/// <summary>What the room Vms is made with.</summary>
internal sealed record VmParts
{
    public required Instance Instance { get; init; }
    public required LocalHost Host { get; init; }
    public required IStore Store { get; init; }
    public required Leadership Leadership { get; init; }
    public required Cache Cache { get; init; }
    public required TimeProvider Time { get; init; }
    public required IVmEngine Engine { get; init; }
    public required EventLog Events { get; init; }
    public required OperationRuns Operations { get; init; }
    public required OperationExecutor Executor { get; init; }
    public required Sweeper Sweeper { get; init; }
    public required OperatingSystemDatabase OperatingSystems { get; init; }
    public required StorageRooms Storage { get; init; }
    public required HostNetworks Networks { get; init; }
    public required SecretBox Secrets { get; init; }
    public required CgroupManager Cgroups { get; init; }
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>The rooms Placement and Vms of this host, put together.</summary>
internal sealed class VmRooms : IAsyncDisposable
{
    private readonly VmParts _parts;
    private readonly VmHost _host;
    private readonly GuestsShutdown _shutdown;

    public VmRooms(VmParts parts)
    {
        _parts = parts;
        var storage = parts.Storage;
        _host = new VmHost
        {
            Instance = parts.Instance,
            HostId = parts.Host.Id,
            HostName = parts.Host.Name,
            BootId = parts.Host.Identity.BootId,
            Incarnation = parts.Host.Identity.Incarnation,
            Store = parts.Store,
            Generation = parts.Leadership.Generation,
            Cache = parts.Cache,
            Time = parts.Time,
            Engine = parts.Engine,
            Resources = new VmResources(parts.Store, parts.Cache, parts.Engine, storage.Pools, storage.Disks, storage.Copies, storage.Seeds, parts.Networks, parts.Secrets),
            Events = parts.Events,
            Operations = parts.Operations,
            Memory = new HostMemory(),
            UserIds = new VmUserIds(parts.Instance.VmUserIds),
            Loggers = parts.Loggers,
        };
        Vms = new HostVms(_host);
        _shutdown = new GuestsShutdown(_host, Vms, new OperationRequests(parts.Time));
        parts.Executor.ServedElsewhere([.. VmOperations.All]);
        _shutdown.Register(parts.Executor);
        parts.Sweeper.Register("vms", new VmSweep(_host, Vms, parts.Cgroups).SweepAsync);
    }

    /// <summary>The VMs of this host; <see cref="HostVms.TryGetRunning"/> for consoles.</summary>
    public HostVms Vms { get; }

    /// <summary>The ground of this host's runners, for hand-overs.</summary>
    public VmHost Ground => _host;

    /// <summary>What is promised to running VMs.</summary>
    public HostMemory Memory => _host.Memory;

    public void Map(ApiRoutes api)
    {
        var operations = new OperationRequests(_parts.Time);
        new VmEndpoints(operations, _parts.Events, _parts.Secrets, _parts.OperatingSystems, _parts.Time).Map(api);
        new VmDiskEndpoints(operations, _parts.Events, _parts.Time).Map(api);
        new VmNicEndpoints(operations).Map(api);
        new VmCloudInitEndpoints(_parts.Store, _parts.Secrets, _parts.Events, _parts.Time).Map(api);
        new VmCdromEndpoints(operations).Map(api);
        new VmPowerEndpoints(operations, Vms, _parts.Time).Map(api);
        new VmFileEndpoints(Vms, _parts.Time).Map(api);
        new VmInsightEndpoints(Vms, _parts.Store, _parts.Time).Map(api);
        new VmFirewallEndpoints(_parts.Instance, _parts.Networks.Firewall, _parts.Events).Map(api);
        _shutdown.Map(api);
        new RecoveryEndpoints(Vms, _parts.Store, _parts.Events, _parts.Time).Map(api);
    }

    public void Add(Loops loops)
    {
        _parts.Leadership.Add("vm controller", (term, stopping) => new VmController(
            _parts.Store, term, _parts.Cache, _parts.Operations, _parts.Events, _parts.Time, _parts.Loggers.CreateLogger<VmController>()).RunAsync(stopping));
        _parts.Leadership.Add("recovery", (term, stopping) => new RecoveryController(
            _parts.Store, term, _parts.Cache, _parts.Events, _parts.Time, _parts.Loggers.CreateLogger<RecoveryController>()).RunAsync(stopping));
        loops.Add("vms", Vms.RunAsync);
        loops.Add("report after a recovery", new RecoveryReporter(_host, Vms).RunAsync);
    }

    /// <summary>Lets go of all VMs; their guests run on.</summary>
    public ValueTask DisposeAsync() => Vms.DisposeAsync();
}
