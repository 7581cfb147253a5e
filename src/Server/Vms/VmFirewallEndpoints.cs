using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Networks;
using Lamina.Server.Networks.Firewall;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms;

/// <summary><c>/v1/vms/{vm}/firewall</c>: which groups filter a VM's cards, and what they do.</summary>
internal sealed class VmFirewallEndpoints(Instance instance, HostFirewall firewall, EventLog events)
{
    private const int MostDrops = 50;

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/vms/{vm}/firewall", Permission.View, "Shows what the packet filter does for a VM's cards", ShowAsync)
            .Answers(ApiJson.Default.VmFirewall).OnHost(VmViews.HostOf).Problems("vm.notFound", "firewall.notReady");
        api.Put("/v1/vms/{vm}/firewall", Permission.Operate, "Sets the firewall groups of a VM's cards; it holds at once", SetAsync)
            .Takes(ApiJson.Default.VmFirewallUpdate).Answers(ApiJson.Default.Vm).Problems("vm.notFound", "vm.deleting", "etag.mismatch");
    }

    private async ValueTask<ApiAnswer> ShowAsync(ApiRequest request)
    {
        var vm = Find(request);
        if (firewall.Tracking is not { } tracking)
            throw new ProblemException(ProblemKind.Unavailable, "firewall.notReady", "This host has not loaded its packet rules yet.", "Try again in a moment; else see why: lamina network list.");
        var counts = await firewall.CountAsync(request.Aborted);
        return ApiAnswer.Ok(
            new VmFirewall
            {
                Vm = vm.Id,
                Applied = vm.Record.Nics.Where(nic => nic.Kind == NicKind.Network).All(nic => firewall.Serves(TapOf(vm, nic), nic) && firewall.Holds(GroupsOf(request.Snapshot, nic))),
                Tracking = tracking,
                TrackingReason = tracking == FirewallTracking.Conntrack
                    ? "The kernel tracks connections on bridges (nf_conntrack_bridge): answers, and what belongs to a connection, pass."
                    : "This kernel has no nf_conntrack_bridge: answers of TCP and UDP pass by the flows that were let through (TCP for an hour of silence, UDP for three minutes); other protocols need a rule for each direction.",
                Nics = [.. vm.Record.Nics.Select(nic => View(request.Snapshot, vm, nic, counts))],
            },
            ApiJson.Default.VmFirewall);
    }

    private async ValueTask<ApiAnswer> SetAsync(ApiRequest request)
    {
        var vm = Find(request);
        request.RequireMatch(vm);
        if (vm.Record.Deleting is { } deleting) throw ProblemException.Conflict("vm.deleting", $"VM '{vm.Record.Name}' is being deleted.", $"Follow it: lamina operation show {deleting}.");
        var body = await request.DraftAsync(ApiJson.Default.VmFirewallUpdate);
        var problems = new InputProblems();
        var groups = VmNicFilterRules.Groups(body.Groups, "$.groups", new VmLookups(request.Snapshot, vm.Record.Project), problems);
        var chosen = vm.Record.Nics.Where(nic => nic.Kind == NicKind.Network && (body.Nic is null || nic.Slot == body.Nic)).ToArray();
        if (chosen.Length == 0) problems.Add(body.Nic is null ? "$" : "$.nic", "nic.notFound", body.Nic is { } slot ? $"VM '{vm.Record.Name}' has no card {slot} in a network." : $"VM '{vm.Record.Name}' has no card in a network.");
        problems.ThrowIfAny();

        var spec = vm.Record with { Nics = [.. vm.Record.Nics.Select(nic => chosen.Contains(nic) ? nic with { FirewallGroups = groups } : nic)] };
        var change = new StoreChange("vm.firewall").Update(Keys.Vms.Spec, vm.Id, spec, vm.ModRevision);
        foreach (string id in groups) change.Require(Keys.FirewallGroups[id], request.Snapshot.Get(Keys.FirewallGroups, id)!.ModRevision);
        var target = VmViews.ReferenceTo(vm);
        var names = groups.Select(id => request.Snapshot.Get(Keys.FirewallGroups, id)!.Record.Name).ToArray();
        string message = names.Length == 0 ? $"VM '{spec.Name}' is filtered no more." : $"VM '{spec.Name}' is filtered by {string.Join(", ", names)}.";
        events.Add(change, new EventDraft { Kind = "vm.firewall", Message = message, Target = target, Project = spec.Project });
        return await request.CommitAsync(change, ApiAnswer.Ok(VmViews.Of(request.Snapshot, vm) with { Spec = spec }, ApiJson.Default.Vm), target);
    }

    private NicFirewall View(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, VmNic nic, FirewallCounts counts)
    {
        var groups = GroupsOf(snapshot, nic);
        return new()
        {
            Slot = nic.Slot,
            Mac = nic.Mac,
            Address = nic.Address,
            Groups = [.. groups.Select(group => View(group, counts))],
            Inbound = groups.Count == 0 ? null : FirewallText.Strictest(groups.Select(group => group.Record.Inbound)),
            Outbound = groups.Count == 0 ? null : FirewallText.Strictest(groups.Select(group => group.Record.Outbound)),
            InboundKbps = nic.InboundKbps,
            OutboundKbps = nic.OutboundKbps,
            Dropped = [.. counts.Drops[TapOf(vm, nic)].OrderByDescending(drop => drop.Packets).Take(MostDrops)],
        };
    }

    private static NicFirewallGroup View(CachedRecord<FirewallGroupSpec> group, FirewallCounts counts) =>
        new() { Id = group.Id, Name = group.Record.Name, Rules = [.. group.Record.Rules.Select(rule => View(group.Id, rule, counts))] };

    /// <summary>A rule that was just made has no counter yet.</summary>
    private static CountedFirewallRule View(string groupId, FirewallRule rule, FirewallCounts counts)
    {
        var (packets, bytes) = counts.Rules.GetValueOrDefault(FirewallText.Counter(groupId, rule.Id));
        return new() { Rule = rule, Packets = packets, Bytes = bytes };
    }

    private static IReadOnlyList<CachedRecord<FirewallGroupSpec>> GroupsOf(CacheSnapshot snapshot, VmNic nic) =>
        [.. nic.FirewallGroups.Select(id => snapshot.Get(Keys.FirewallGroups, id)).OfType<CachedRecord<FirewallGroupSpec>>()];

    private string TapOf(CachedRecord<VmSpec> vm, VmNic nic) => NetworkPlan.TapOf(instance, vm.Id, nic.Slot);

    private static CachedRecord<VmSpec> Find(ApiRequest request) => request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
}
