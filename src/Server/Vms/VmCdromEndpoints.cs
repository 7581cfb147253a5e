using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms;

/// <summary><c>/v1/vms/{vm}/cdroms</c>: media are inserted and ejected, drives added and removed, also while the VM runs.</summary>
internal sealed class VmCdromEndpoints(OperationRequests operations)
{
    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/cdroms", Permission.Operate, "Adds a CD-ROM drive to a VM, with a medium or empty", AddAsync)
            .Takes(ApiJson.Default.VmCdromChange, optional: true).Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.suspended");
        api.Patch("/v1/vms/{vm}/cdroms/{slot}", Permission.Operate, "Changes the medium in a CD-ROM drive", ChangeAsync)
            .Query("force", "true: also when the guest holds the tray.")
            .Takes(ApiJson.Default.VmCdromChange).Begins().Problems("vm.notFound", "cdrom.notFound", "vm.deleting", "vm.suspended", "etag.mismatch");
        api.Delete("/v1/vms/{vm}/cdroms/{slot}", Permission.Operate, "Takes a CD-ROM drive out of a VM", RemoveAsync)
            .Begins().Idempotent().Problems("vm.notFound", "cdrom.notFound", "vm.deleting", "vm.suspended");
    }

    private async ValueTask<ApiAnswer> AddAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var body = await request.DraftAsync(ApiJson.Default.VmCdromChange);
        if (begun.FreeSlot("cdroms", begun.Spec.Cdroms.Select(cdrom => cdrom.Slot), VmMediaRules.MostCdroms) is not { } slot)
            throw ProblemException.Conflict("vm.tooManyIsos", $"VM '{begun.Spec.Name}' has {VmMediaRules.MostCdroms} CD-ROM drives, which is the most.", "Put the medium into one of them: lamina vm cdrom insert.");
        string? iso = Medium(begun, body);
        begun.Problems.ThrowIfAny();
        var drive = new VmCdrom { Slot = slot, Iso = iso, BootIndex = VmBootOrder.FreePlace(begun.Spec, VmMediaRules.FirstCdromBootIndex + slot) };
        var spec = begun.Spec with { Cdroms = [.. begun.Spec.Cdroms.Append(drive).OrderBy(other => other.Slot)] };
        return await begun.CommitAsync(spec, begun.Ask(operations, [VmDifferences.PathOf("cdroms", slot)]));
    }

    private async ValueTask<ApiAnswer> ChangeAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var drive = begun.InSlot(begun.Spec.Cdroms, known => known.Slot, "cdrom", request.Route("slot"));
        var update = await request.PatchAsync(new VmCdromChange { Iso = drive.Iso }, ApiJson.Default.VmCdromChange);
        string? iso = Medium(begun, update);
        begun.Problems.ThrowIfAny();
        var spec = iso == drive.Iso ? begun.Spec : begun.Spec with { Cdroms = [.. begun.Spec.Cdroms.Select(other => other.Slot == drive.Slot ? other with { Iso = iso } : other)] };
        return await begun.CommitAsync(spec, begun.Ask(operations, [VmDifferences.PathOf("cdroms", drive.Slot)], request.QueryFlag("force")));
    }

    private async ValueTask<ApiAnswer> RemoveAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var drive = begun.InSlot(begun.Spec.Cdroms, known => known.Slot, "cdrom", request.Route("slot"));
        var spec = begun.Spec with { Cdroms = [.. begun.Spec.Cdroms.Where(other => other.Slot != drive.Slot)] };
        return await begun.CommitAsync(spec, begun.Ask(operations, [VmDifferences.PathOf("cdroms", drive.Slot)]));
    }

    /// <summary>The medium must be as the rules saw it: one whose deletion begins at this moment has another revision.</summary>
    private static string? Medium(VmDeviceChange begun, VmCdromChange body)
    {
        if (body.Iso is not { } name) return null;
        if (VmMediaRules.Find(name, IsoKind.Iso, "$.iso", begun.Lookups, begun.Problems) is not { } id) return null;
        if (begun.Request.Snapshot.Get(Keys.Isos.Spec, id) is { } record) begun.Change.Require(Keys.Isos.Spec[id], record.ModRevision);
        return id;
    }
}
