using Lamina.Linux.Cgroups;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Metrics.Exposition;
using Lamina.Server.Metrics.History;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Metrics;

/// <summary>What the room Metrics is made with.</summary>
internal sealed record MetricParts
{
    public required Instance Instance { get; init; }
    public required LocalHost Host { get; init; }
    public required HostVms Vms { get; init; }
    public required Cache Cache { get; init; }
    public required CgroupManager Cgroups { get; init; }
    public required Sweeper Sweeper { get; init; }
    public required TimeSpan Interval { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>The room Metrics, put together.</summary>
internal sealed class MetricRoom : IDisposable
{
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(10);

    private readonly MetricHistories _histories;
    private readonly TimeProvider _time;

    public MetricRoom(MetricParts parts)
    {
        _time = parts.Time;
        _histories = new MetricHistories(parts.Instance.MetricsDirectory);
        Sampler = new MetricSampler(
            parts.Host, parts.Vms, parts.Cache, parts.Cgroups, _histories, parts.Interval, parts.Time, parts.Loggers.CreateLogger<MetricSampler>());
        Counters = new DaemonMetrics(parts.Time);
        parts.Sweeper.Register("metrics", _ => Task.FromResult(Sweep(parts.Cache.Snapshot)));
    }

    public MetricSampler Sampler { get; }

    /// <summary>Its middleware counts requests.</summary>
    public DaemonMetrics Counters { get; }

    public void Map(ApiRoutes api) => new MetricEndpoints(Sampler, _histories, Counters, _time).Map(api);

    public void Add(Loops loops) => loops.Add("metrics", Sampler.RunAsync);

    public void Dispose() => Sampler.Dispose();

    /// <summary>The past of a VM goes with it.</summary>
    private SweepReport Sweep(CacheSnapshot snapshot) =>
        new() { Removed = [.. _histories.RemoveVmsBut(id => snapshot.Get(Keys.Vms.Spec, id) is not null).Select(file => $"metrics {file} of no VM")] };
}
