using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Metrics;
using Lamina.Server.Store;

namespace Lamina.Server.Maintenance;

/// <summary>Tells the other hosts what this one does: at most every 10 s, only when it has changed by something, and never while it is alone.</summary>
internal sealed partial class LoadKeeper(string hostId, IStore store, Cache cache, TimeProvider time, ILogger<LoadKeeper> logger)
{
    private static readonly TimeSpan LeastInterval = TimeSpan.FromSeconds(10);

    private HostLoad? _mean;
    private HostLoad? _written;

    /// <summary>What brings it the samples. What fails once is tried at the next one.</summary>
    public LatestView Samples() => new(KeepAsync, failure => LogFailed(logger, failure.Message));

    internal async Task KeepAsync(MetricView view, CancellationToken cancellationToken)
    {
        if (view.HostFigures is not { } figures) return;
        _mean = LoadMeans.Next(_mean, figures, view.VmFigures);
        if (cache.Snapshot.All(Keys.Hosts.Spec).Take(2).Count() < 2 || !LoadMeans.IsNotable(_written, _mean)) return;
        if (_written is not null && _mean.At - _written.At < LeastInterval) return;
        await new StoreChange("host.load").RequireExists(Keys.Hosts.Spec[hostId]).Put(Keys.Hosts.Load, hostId, _mean).CommitAsync(store, time, cancellationToken);
        _written = _mean;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What this host does could not be told to the others; it is tried at the next reading: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
