using Lamina.Api;
using Lamina.Server.Hosts;
using Lamina.Server.Http;

namespace Lamina.Server.Doctor;

/// <summary><c>GET /v1/doctor</c>: the check-up.</summary>
internal static class DoctorEndpoints
{
    public static void Map(ApiRoutes api, DoctorCollector collector) =>
        api.Get("/v1/doctor", Permission.Administer, "Checks this installation and names remedies", _ =>
                ApiAnswer.Ok(DoctorChecks.Report(collector.Collect()), ApiJson.Default.DoctorReport))
            .Query("host", HostEndpoints.HostQuery).OnHost(HostEndpoints.HostNamed)
            .Answers(ApiJson.Default.DoctorReport).InstallationWide();
}
