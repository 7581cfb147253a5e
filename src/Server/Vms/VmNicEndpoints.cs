using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms;

/// <summary><c>/v1/vms/{vm}/nics</c>: network cards are added, moved to other networks, unplugged, also while the VM runs.</summary>
internal sealed class VmNicEndpoints(OperationRequests operations)
{
    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/nics", Permission.Operate, "Adds a network card to a VM", AddAsync)
            .Takes(ApiJson.Default.VmNicCreate, optional: true).Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.suspended");
        api.Patch("/v1/vms/{vm}/nics/{slot}", Permission.Operate, "Moves a network card to another network or address, draws its cable, filters or paces it", UpdateAsync)
            .Takes(ApiJson.Default.VmNicUpdate).Begins().Problems("vm.notFound", "nic.notFound", "vm.deleting", "vm.suspended", "etag.mismatch");
        api.Delete("/v1/vms/{vm}/nics/{slot}", Permission.Operate, "Takes a network card out of a VM", RemoveAsync)
            .Begins().Idempotent().Problems("vm.notFound", "nic.notFound", "vm.deleting", "vm.suspended");
    }

    private async ValueTask<ApiAnswer> AddAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var body = await request.DraftAsync(ApiJson.Default.VmNicCreate);
        if (begun.FreeSlot("nics", begun.Spec.Nics.Select(nic => nic.Slot), VmNicRules.MostNics) is not { } slot)
            throw ProblemException.Conflict("vm.tooManyNics", $"VM '{begun.Spec.Name}' has {VmNicRules.MostNics} network cards, which is the most.", "Remove one first.");
        var nic = VmNicRules.ResolveAdded(body, slot, begun.Lookups, begun.Problems);
        var spec = nic is null ? begun.Spec : begun.Spec with { Nics = [.. begun.Spec.Nics.Append(nic).OrderBy(other => other.Slot)] };
        VmFirmwareRules.CheckOrder(spec, begun.Problems);
        begun.Problems.ThrowIfAny();
        begun.Change.Create(Keys.Macs, nic!.Mac, new Claim { Owner = begun.Vm.Id });
        Claim(begun, nic);
        foreach (string group in nic.FirewallGroups) begun.Change.RequireExists(Keys.FirewallGroups[group]);
        return await begun.CommitAsync(spec, begun.Ask(operations, [VmDifferences.PathOf("nics", slot)]));
    }

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var nic = begun.InSlot(begun.Spec.Nics, known => known.Slot, "nic", request.Route("slot"));
        var update = await request.PatchAsync(VmNicRules.Changeable(nic), ApiJson.Default.VmNicUpdate);
        var changed = VmNicRules.Change(nic, update, begun.Lookups, begun.Problems);
        foreach (string group in changed?.FirewallGroups ?? []) begun.Change.RequireExists(Keys.FirewallGroups[group]);
        begun.Problems.ThrowIfAny();
        if (changed!.Network != nic.Network || changed.Address != nic.Address)
        {
            if (VmRecords.AddressKey(nic) is { } old) begun.Change.Delete(Keys.Addresses[old]);
            Claim(begun, changed);
        }

        var spec = begun.Spec with { Nics = [.. begun.Spec.Nics.Select(other => other.Slot == nic.Slot ? changed : other)] };
        return await begun.CommitAsync(spec, begun.Ask(operations, [VmDifferences.PathOf("nics", nic.Slot)]));
    }

    private async ValueTask<ApiAnswer> RemoveAsync(ApiRequest request)
    {
        var begun = VmDeviceChange.Begin(request);
        var nic = begun.InSlot(begun.Spec.Nics, known => known.Slot, "nic", request.Route("slot"));
        begun.Change.Delete(Keys.Macs[nic.Mac]);
        if (VmRecords.AddressKey(nic) is { } address) begun.Change.Delete(Keys.Addresses[address]);
        var spec = begun.Spec with { Nics = [.. begun.Spec.Nics.Where(other => other.Slot != nic.Slot)] };
        return await begun.CommitAsync(spec, begun.Ask(operations, [VmDifferences.PathOf("nics", nic.Slot)]));
    }

    /// <summary>The network must be as the rules saw it, and its address nobody else's.</summary>
    private static void Claim(VmDeviceChange begun, VmNic nic)
    {
        if (VmRecords.AddressKey(nic) is { } address) begun.Change.Create(Keys.Addresses, address, new Claim { Owner = begun.Vm.Id });
        if (nic.Network is { } network && begun.Request.Snapshot.Get(Keys.Networks.Spec, network) is { } record) begun.Change.Require(Keys.Networks.Spec[network], record.ModRevision);
    }
}
