using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Hosts;

/// <summary>
/// This machine as a host: its identity, and its records in the store. The engine is asked in the background, since the first time takes seconds;
/// when it is missing it is asked again, so that installing QEMU needs no restart.
/// </summary>
internal sealed partial class LocalHost
{
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(30);

    /// <summary>The engine answers from its cache unless its program was replaced by an upgrade, or KVM came or went.</summary>
    public static readonly TimeSpan AskInterval = TimeSpan.FromMinutes(1);

    private readonly IStore _store;
    private readonly Cache _cache;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly MachineFacts _machine;
    private readonly TaskCompletionSource<EngineCapabilities> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private EngineCapabilities? _capabilities;
    private HostStatus _status;

    public LocalHost(HostIdentity identity, MachineFacts machine, IStore store, Cache cache, TimeProvider time, string daemonVersion, ILogger<LocalHost> logger)
    {
        Identity = identity;
        _machine = machine;
        _store = store;
        _cache = cache;
        _time = time;
        _logger = logger;
        _status = HostStatusPlan.AtStart(identity, machine, cache.Snapshot.Get(Keys.Hosts.Status, identity.Id)?.Record, daemonVersion);
    }

    public HostIdentity Identity { get; }

    public string Id => Identity.Id;

    public string Name => _machine.Name;

    public MachineFacts Machine => _machine;

    /// <summary>What the engine offers here; null until it was asked, or when it is missing.</summary>
    public EngineCapabilities? Capabilities => Volatile.Read(ref _capabilities);

    /// <summary>Why there are no capabilities; null while the engine is being asked or has answered.</summary>
    public Failure? Failure => Volatile.Read(ref _status).Failure;

    /// <summary>Waits until the engine has answered once, also when it is missing now and comes later.</summary>
    public Task<EngineCapabilities> WaitForCapabilitiesAsync(CancellationToken cancellationToken) => _answered.Task.WaitAsync(cancellationToken);

    /// <summary>Writes this host into the store, at the start.</summary>
    public Task RegisterAsync(CancellationToken cancellationToken) => WriteAsync(_status, cancellationToken);

    /// <summary>Asks the engine what it offers and writes what it said; until cancelled.</summary>
    public async Task RunAsync(IVmEngine engine, CancellationToken cancellationToken)
    {
        while (true) await Task.Delay(await AskAsync(engine, cancellationToken) ? AskInterval : RetryInterval, _time, cancellationToken);
    }

    /// <summary>True: it answered and that is written.</summary>
    internal async Task<bool> AskAsync(IVmEngine engine, CancellationToken cancellationToken)
    {
        var status = await ProbeAsync(engine, cancellationToken);
        try
        {
            await WriteAsync(status, cancellationToken);
            return status.Failure is null;
        }
        catch (IOException failure)
        {
            LogNotWritten(_logger, failure);
            return false;
        }
    }

    private async Task<HostStatus> ProbeAsync(IVmEngine engine, CancellationToken cancellationToken)
    {
        try
        {
            var found = await engine.ProbeAsync(cancellationToken);
            Volatile.Write(ref _capabilities, found);
            _answered.TrySetResult(found);
            return HostStatusPlan.Probed(_status, found, HostLinks.Read());
        }
        catch (VmEngineException failure)
        {
            LogNoEngine(_logger, failure.Message);
            Volatile.Write(ref _capabilities, null);
            return HostStatusPlan.NotProbed(_status, new Failure { Code = "host.noEngine", Message = failure.Message, Remedy = failure.Remedy });
        }
    }

    private async Task WriteAsync(HostStatus status, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _status, status);
        // Only this daemon writes these keys; another attempt is needed only when the name was taken away or given meanwhile.
        if (HostStatusPlan.Change(_cache.Snapshot, Id, Name, status) is not { } change) return;
        var commit = await change.CommitAsync(_store, _time, cancellationToken);
        if (!commit.Succeeded) throw new ProblemException(
            ProblemKind.Conflict, "host.nameTaken", $"Another host is named '{Name}'.", "Give this machine another host name and start the daemon again.");
        await _cache.WaitForRevisionAsync(commit.Revision, TimeSpan.FromSeconds(5), cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "No virtual machine can run here yet: {Reason}")]
    private static partial void LogNoEngine(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What the engine offers could not be written into the store; it is tried again")]
    private static partial void LogNotWritten(ILogger logger, Exception failure);
}
