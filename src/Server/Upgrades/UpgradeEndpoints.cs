using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Microsoft.AspNetCore.Http.Features;

namespace Lamina.Server.Upgrades;

/// <summary><c>/v1/cluster/packages</c>, <c>/v1/cluster/upgrade</c>: another version on all hosts; one host alone is upgraded in the same way.</summary>
internal sealed class UpgradeEndpoints(UpgradePackages packages, UpgradeSignature signature, OperationRequests operations, EventLog events)
{
    private const string PackageQuery = "package";

    public void Map(ApiRoutes api)
    {
        api.Raw(HttpMethods.Post, "/v1/cluster/packages", Permission.Administer, "Brings a package of Lamina to this host, from which the others fetch it", ReceiveAsync)
            .TakesBytes().Answers(ApiJson.Default.UpgradePackage).InstallationWide().Problems("upgrade.packageInvalid", "upgrade.packageLarge", "upgrade.noDpkg");
        api.Get("/v1/cluster/upgrade", Permission.View, "Says what an upgrade to a package's version would do, and what stands in its way", PlanAsync)
            .Query(PackageQuery, "SHA-256 of the package.").Answers(ApiJson.Default.ClusterUpgradePlan).InstallationWide().Problems("upgrade.packageUnknown");
        api.Post("/v1/cluster/upgrade", Permission.Administer, "Upgrades the daemons of all hosts, one host after the other; guests run on", UpgradeAsync)
            .Takes(ApiJson.Default.ClusterUpgradeRequest).Begins().InstallationWide().Idempotent().Problems("upgrade.packageUnknown", "upgrade.signature");
    }

    private async Task ReceiveAsync(ApiRequest request)
    {
        if (request.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        var package = await packages.ReceiveAsync(request.Http.Request.Body, request.Aborted);
        var target = new ObjectReference { Kind = "upgradePackage", Id = package.Sha256, Name = package.Version };
        await request.WriteAsync(await request.CommitAsync(new StoreChange("upgrade.package"), ApiAnswer.Ok(package, ApiJson.Default.UpgradePackage), target));
    }

    private async ValueTask<ApiAnswer> PlanAsync(ApiRequest request)
    {
        var package = await packages.ShowAsync(request.Query(PackageQuery) ?? "", request.Aborted);
        return ApiAnswer.Ok(UpgradeRules.PlanOf(request.Snapshot, package.Version), ApiJson.Default.ClusterUpgradePlan);
    }

    private async ValueTask<ApiAnswer> UpgradeAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.ClusterUpgradeRequest);
        var package = await packages.ShowAsync(body.Package, request.Aborted);
        await signature.CheckAsync(await packages.EnsureAsync(body.Package, request.HostId, request.Aborted), body.Signature, request.Aborted);
        var problems = new InputProblems();
        foreach (var blocker in UpgradeRules.PlanOf(request.Snapshot, package.Version).Blockers) problems.Add("$", blocker.Code, $"{blocker.Message} {blocker.Remedy}".Trim());
        problems.ThrowIfAny();
        var job = new UpgradeJob
        {
            Operation = "", Version = package.Version, Package = package.Sha256, PackageHost = request.HostId, Signature = body.Signature, Evacuate = body.Evacuate, RequestedBy = request.Caller.Subject,
        };
        var change = new StoreChange(UpgradeJob.Kind);
        var operation = operations.Add(change, new OperationDraft { Kind = UpgradeJob.Kind, Target = UpgradeJob.Target, RequestedBy = request.Caller.Subject, Parameters = job.Parameters() });
        events.Add(change, new EventDraft
        {
            Kind = "cluster.upgrading",
            Message = $"All hosts are to get version {package.Version}, one after the other{(body.Evacuate ? ", each emptied before" : "; guests run on")}.",
            Target = UpgradeJob.Target,
            Operation = operation.Id,
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), UpgradeJob.Target);
    }
}
