using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Metrics;
using Lamina.Server.Store;
using Lamina.Server.Vms;

namespace Lamina.Server.Memory;

/// <summary>The room Memory, put together: what guests and host owe each other of it.</summary>
internal sealed class MemoryRoom
{
    private readonly LocalHost _host;
    private readonly VmRooms _vms;
    private readonly MetricSampler _sampler;
    private readonly MemoryKeeper _keeper;
    private readonly LatestView _samples;

    public MemoryRoom(LocalHost host, VmRooms vms, MetricSampler sampler, IStore store, Cache cache, EventLog events, TimeProvider time, ILoggerFactory loggers)
    {
        _host = host;
        _vms = vms;
        _sampler = sampler;
        _keeper = new MemoryKeeper(host, vms.Vms, store, cache, events, time, loggers.CreateLogger<MemoryKeeper>());
        _samples = _keeper.Samples();
        sampler.Sampled += _samples.Look;
    }

    public void Map(ApiRoutes api) =>
        api.Get("/v1/hosts/{host}/memory", Permission.View, "What of a host's memory is promised, what is used, and what overcommit costs now", Show)
            .Answers(ApiJson.Default.HostMemoryReport).OnHost(HostEndpoints.HostOf).InstallationWide().Problems("host.notFound", "metrics.notYet");

    public void Add(Loops loops) => loops.Add("memory", _samples.RunAsync);

    private ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        if (spec.Id != _host.Id || _sampler.View is not { Host: not null } view) throw new ProblemException(
            ProblemKind.Unavailable, "metrics.notYet", $"The memory of host '{spec.Record.Name}' was not read yet.", "Ask again in some seconds.");
        return ApiAnswer.Ok(MemoryReports.Of(view, spec.Record.Memory, _vms.Memory.CommittedMiB, _keeper.Phase), ApiJson.Default.HostMemoryReport);
    }
}
