using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.Placement;

/// <summary><c>/v1/placement</c>: how hosts are chosen; <c>/v1/vms/{vm}/placement</c>: what each host says about one VM.</summary>
internal sealed class PlacementEndpoints(EventLog events)
{
    private static readonly ObjectReference Target = new() { Kind = "placement", Id = "settings" };

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/placement", Permission.View, "Shows how hosts are chosen, and the CPU that new VMs get", Show).Answers(ApiJson.Default.PlacementReport).InstallationWide();
        api.Patch("/v1/placement", Permission.Administer, "Changes how hosts are chosen", UpdateAsync)
            .Takes(ApiJson.Default.PlacementSettingsUpdate).Answers(ApiJson.Default.PlacementReport).InstallationWide().Problems("etag.mismatch");
        api.Get("/v1/vms/{vm}/placement", Permission.View, "Says for each host whether it could take a VM, and why not", Explain)
            .Answers(ApiJson.Default.PagePlacementOpinion).Problems("vm.notFound");
    }

    private static ApiAnswer Show(ApiRequest request) => ApiAnswer.Ok(Report(request.Snapshot, Settings(request.Snapshot)), ApiJson.Default.PlacementReport);

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var current = request.Snapshot.Get(Keys.PlacementSettings, "");
        var before = current?.Record ?? new PlacementSettings();
        var update = await request.PatchAsync(new PlacementSettingsUpdate { Strategy = before.Strategy, CpuModel = before.CpuModel, Balance = before.Balance }, ApiJson.Default.PlacementSettingsUpdate);
        var problems = new InputProblems();
        CheckModel(update.CpuModel, request.Snapshot, problems);
        problems.ThrowIfAny();
        var settings = before with { Strategy = update.Strategy ?? PlacementStrategy.Balance, CpuModel = update.CpuModel, Balance = update.Balance ?? BalanceMode.Advise };
        var change = new StoreChange("placement.update");
        if (current is null) change.Create(Keys.PlacementSettings, "", settings);
        else change.Update(Keys.PlacementSettings, "", settings, current.ModRevision);
        events.Add(change, new EventDraft { Kind = "placement.changed", Message = $"Hosts are chosen by '{settings.Strategy.ToString().ToLowerInvariant()}' from now on; new VMs get CPU {settings.CpuModel ?? "by what all hosts offer"}; balancing of load: {settings.Balance.ToString().ToLowerInvariant()}.", Target = Target });
        return await request.CommitAsync(change, ApiAnswer.Ok(Report(request.Snapshot, settings), ApiJson.Default.PlacementReport), Target);
    }

    private static ApiAnswer Explain(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        string? here = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host;
        var opinions = PlacementBoard.Read(request.Snapshot).Explain(PlacementBoard.RequestOf(request.Snapshot, vm), here);
        return ApiAnswer.Ok(new Page<PlacementOpinion> { Items = opinions }, ApiJson.Default.PagePlacementOpinion);
    }

    /// <summary>A model that no host has would make every new VM homeless.</summary>
    private static void CheckModel(string? model, CacheSnapshot snapshot, InputProblems problems)
    {
        if (model is null) return;
        string[] without = [.. snapshot.All(Keys.Hosts.Status).Where(host => host.Record.CpuModels.Count > 0 && !host.Record.CpuModels.Contains(model)).Select(host => snapshot.HostName(host.Id))];
        if (without.Length > 0)
            problems.Add("$.cpuModel", "placement.cpuModel", $"'{Suggestions.Shorten(model)}' is not offered whole by {string.Join(", ", without.Take(5))}: VMs with it could not run there. Leave it out to get the newest that all offer.");
    }

    private static PlacementSettings Settings(CacheSnapshot snapshot) => snapshot.Get(Keys.PlacementSettings, "")?.Record ?? new PlacementSettings();

    private static PlacementReport Report(CacheSnapshot snapshot, PlacementSettings settings) => new()
    {
        Settings = settings,
        Baseline = CpuBaselines.Read(snapshot, settings),
    };
}
