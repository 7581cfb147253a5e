using System.Text;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Metrics.Exposition;
using Lamina.Server.Metrics.History;
using Lamina.Server.Vms;

namespace Lamina.Server.Metrics;

/// <summary>Figures now, over time, and as Prometheus reads them.</summary>
internal sealed class MetricEndpoints(MetricSampler sampler, MetricHistories histories, DaemonMetrics daemon, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Get("/v1/metrics/now", Permission.View, "The latest figures of a host and its VMs, for tables", Now)
            .Query("host", HostEndpoints.HostQuery).OnHost(HostEndpoints.HostNamed).Answers(ApiJson.Default.MetricsNow);
        Ranged(api.Get("/v1/vms/{vm}/metrics", Permission.View, "Figures of a VM over time", OfVm)).OnHost(VmViews.HomeOf).Problems("vm.notFound");
        Ranged(api.Get("/v1/hosts/{host}/metrics", Permission.View, "Figures of a host over time", OfHost)).OnHost(HostEndpoints.HostOf).InstallationWide().Problems("host.notFound");
        api.Raw(HttpMethods.Get, "/metrics", Permission.View, "What Prometheus reads: all counters, as text", ExposeAsync)
            .InstallationWide().AnswersMedia(PrometheusText.MediaType.Split(';')[0]);
    }

    private static ApiEndpoint Ranged(ApiEndpoint endpoint) => endpoint
        .Query("from", "A time (RFC 3339), or so long ago: -90m. Default: an hour before the end.")
        .Query("to", "The same. Default: now.")
        .Query("step", "Seconds between points, a multiple of 10. Default: as fine as that part of the past is kept.")
        .Answers(ApiJson.Default.MetricHistory);

    private ApiAnswer Now(ApiRequest request)
    {
        var view = sampler.View;
        var now = new MetricsNow
        {
            IntervalSeconds = (int)sampler.Interval.TotalSeconds,
            Host = view.HostFigures,
            Vms = [.. view.VmFigures.Where(vm => request.Shows(vm.Project))],
        };
        return ApiAnswer.Ok(now, ApiJson.Default.MetricsNow);
    }

    private ApiAnswer OfVm(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        return ApiAnswer.Ok(histories.ReadVm(vm.Id, RangeOf(request)), ApiJson.Default.MetricHistory);
    }

    private ApiAnswer OfHost(ApiRequest request)
    {
        var host = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        return ApiAnswer.Ok(histories.ReadHost(host.Id, RangeOf(request)), ApiJson.Default.MetricHistory);
    }

    private HistoryRange RangeOf(ApiRequest request) => HistoryRange.Of(request.Query("from"), request.Query("to"), request.Query("step"), time.GetUtcNow());

    private async Task ExposeAsync(ApiRequest request)
    {
        var text = new PrometheusText();
        var view = sampler.View;
        HostExposition.Write(text, view);
        VmExposition.Write(text, view, request.Snapshot, project => request.Caller.May(Permission.View, project));
        daemon.Write(text, request.Snapshot);
        byte[] content = Encoding.UTF8.GetBytes(text.ToString());
        request.Http.Response.ContentType = PrometheusText.MediaType;
        request.Http.Response.ContentLength = content.Length;
        await request.Http.Response.Body.WriteAsync(content, request.Aborted);
    }
}
