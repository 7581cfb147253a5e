using Lamina.Api;
using Lamina.Engine;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Metrics.History;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Metrics;

/// <summary>What was read last, and what follows from it; replaced as a whole.</summary>
internal sealed record MetricView
{
    public static MetricView Nothing { get; } = new();

    public HostReading? Host { get; init; }
    public HostFigures? HostFigures { get; init; }
    public IReadOnlyDictionary<string, VmReading> Vms { get; init; } = new Dictionary<string, VmReading>();
    public IReadOnlyList<VmFigures> VmFigures { get; init; } = [];
}

/// <summary>Reads host and VMs at even intervals, works out what they did between, and keeps the past of it.</summary>
internal sealed partial class MetricSampler(
    LocalHost host, HostVms vms, Cache cache, CgroupManager cgroups, MetricHistories histories, TimeSpan interval, TimeProvider time, ILogger<MetricSampler> logger) : IDisposable
{
    private readonly VmReader _reader = new(cgroups, time);
    private readonly VmQuestions _questions = new(time);
    private readonly Netlink _netlink = new();
    private volatile MetricView _view = MetricView.Nothing;
    private bool _historyFails;

    public TimeSpan Interval => interval;

    public MetricView View => _view;

    /// <summary>Called with each new view, in the sampler's loop: quick, and without exceptions.</summary>
    public Action<MetricView>? Sampled { get; set; }

    /// <summary>Samples until cancelled. A reading that fails is logged, and the next one is tried.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        histories.Prepare();
        // A daemon that has just started takes up what runs; a first reading without it would show nothing for a whole interval.
        await Task.WhenAny(vms.Taken, Task.Delay(interval, time, cancellationToken));
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            try
            {
                Sample(cancellationToken);
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                LogFailed(logger, failure);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    public void Dispose()
    {
        _netlink.Dispose();
        _questions.Dispose();
    }

    internal void Sample(CancellationToken cancellationToken)
    {
        var before = _view;
        var snapshot = cache.Snapshot;
        var running = vms.RunningIds.Select(vms.TryGetRunning).OfType<IVm>().ToList();
        var links = _netlink.ListLinks();
        var hostReading = HostReader.Read(links, snapshot, running.Count, time);
        var readings = ReadVms(running, links, snapshot);
        _view = new MetricView
        {
            Host = hostReading,
            HostFigures = before.Host is { } then ? HostRates.Between(host.Id, host.Name, host.Machine.Cores, then, hostReading, time) : null,
            Vms = readings,
            VmFigures = [.. running.Where(vm => readings.ContainsKey(vm.Id.ToString())).Select(vm => FiguresOf(vm, before, readings[vm.Id.ToString()])).OrderBy(vm => vm.Name, StringComparer.Ordinal)],
        };
        _ = _questions.AskAsync(running, interval, cancellationToken);
        Keep(_view);
        Sampled?.Invoke(_view);
    }

    private Dictionary<string, VmReading> ReadVms(IReadOnlyList<IVm> running, IReadOnlyList<Link> links, CacheSnapshot snapshot)
    {
        _reader.KeepOnly(running.Select(vm => vm.Id.ToString()).ToHashSet());
        var byName = links.ToDictionary(link => link.Name, StringComparer.Ordinal);
        var readings = new Dictionary<string, VmReading>(StringComparer.Ordinal);
        foreach (var vm in running)
        {
            // One whose record is lost runs on, but nobody could be told of it here: it belongs to no project.
            if (snapshot.Get(Keys.Vms.Spec, vm.Id.ToString())?.Record is not { } spec) continue;
            readings[vm.Id.ToString()] = _reader.Read(vm, spec.Name, spec.Project, byName, _questions.AnswersOf(vm).Last);
        }

        return readings;
    }

    private VmFigures FiguresOf(IVm vm, MetricView before, VmReading reading)
    {
        var (answerBefore, answer) = _questions.AnswersOf(vm);
        return VmRates.With(VmRates.Between(before.Vms.GetValueOrDefault(reading.Id), reading, time), answerBefore, answer, time);
    }

    /// <summary>A full disk costs the past, and nothing else.</summary>
    private void Keep(MetricView view)
    {
        if (view.HostFigures is not { } figures) return;
        try
        {
            long now = figures.At.ToUnixTimeSeconds();
            Note(histories.AppendHost(figures.Id, now, SeriesDefinition<HostFigures>.Row(HostSeries.All, figures)));
            foreach (var vm in view.VmFigures) Note(histories.AppendVm(vm.Id, now, SeriesDefinition<VmFigures>.Row(VmSeries.All, vm)));
            _historyFails = false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (!_historyFails) LogNotKept(logger, failure);
            _historyFails = true;
        }
    }

    private void Note(string? setAside)
    {
        if (setAside is not null) LogSetAside(logger, setAside);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Metrics could not be read; the next reading is tried")]
    private static partial void LogFailed(ILogger logger, Exception failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "Metrics cannot be kept on disk; this is said once until they can")]
    private static partial void LogNotKept(ILogger logger, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A file of metrics was damaged: it is now {File}, and a new one was begun")]
    private static partial void LogSetAside(ILogger logger, string file);
}
