using System.Globalization;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.FirewallGroups;

/// <summary><c>/v1/firewall-groups</c>: rules for the cards of VMs. A change holds at once, also for running guests.</summary>
internal sealed class FirewallGroupEndpoints(EventLog events, TimeProvider time)
{
    /// <summary>In names, problem codes and references.</summary>
    public const string Noun = "firewallGroup";
    public const int MostGroups = 1000;
    private const int LongestNotes = 1000;

    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<FirewallGroup>(
        "firewall-groups",
        [Keys.FirewallGroups],
        (snapshot, id) => snapshot.Get(Keys.FirewallGroups, id) is { } spec ? View(snapshot, spec) : null,
        group => group.Project,
        ApiJson.Default.FirewallGroup);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/firewall-groups", Permission.View, "Lists firewall groups", List).Paged().Filtered("name").Answers(ApiJson.Default.PageFirewallGroup);
        api.Get("/v1/firewall-groups/{group}", Permission.View, "Shows a firewall group", request => Show(request, Find(request)))
            .Answers(ApiJson.Default.FirewallGroup).Problems("firewallGroup.notFound");
        api.Post("/v1/firewall-groups", Permission.Operate, "Makes a firewall group", CreateAsync)
            .Takes(ApiJson.Default.FirewallGroupCreate).Answers(ApiJson.Default.FirewallGroup, StatusCodes.Status201Created)
            .Idempotent((request, id) => Show(request, request.Snapshot.Get(Keys.FirewallGroups, id)!)).Problems("name.taken", "firewallGroup.tooMany");
        api.Patch("/v1/firewall-groups/{group}", Permission.Operate, "Changes what becomes of packets that no rule of a group names", UpdateAsync)
            .Takes(ApiJson.Default.FirewallGroupUpdate).Answers(ApiJson.Default.FirewallGroup).Problems("firewallGroup.notFound", "etag.mismatch");
        api.Delete("/v1/firewall-groups/{group}", Permission.Operate, "Deletes a firewall group that nothing uses", DeleteAsync)
            .AnswersNothing().Problems("firewallGroup.notFound", "firewallGroup.inUse", "etag.mismatch");
        api.Post("/v1/firewall-groups/{group}/rules", Permission.Operate, "Adds a rule to a firewall group", AddRuleAsync)
            .Takes(ApiJson.Default.FirewallRuleCreate).Answers(ApiJson.Default.FirewallGroup).Problems("firewallGroup.notFound", "etag.mismatch");
        api.Delete("/v1/firewall-groups/{group}/rules/{rule}", Permission.Operate, "Removes a rule from a firewall group", RemoveRuleAsync)
            .Answers(ApiJson.Default.FirewallGroup).Problems("firewallGroup.notFound", "firewallRule.notFound", "etag.mismatch");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.FirewallGroups)
            .Where(spec => request.Shows(spec.Record.Project) && request.Passes("name", spec.Record.Name))
            .Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, group => $"{group.Name} {group.Id}"), ApiJson.Default.PageFirewallGroup);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.FirewallGroupCreate);
        string project = request.ProjectFor(body.Project);
        var problems = new InputProblems();
        Names.CheckLabel(body.Name, "$.name", problems);
        CheckNotes(body.Notes, problems);
        var asked = body.Rules ?? [];
        if (asked.Count > FirewallRules.MostRules) problems.Add("$.rules", "firewall.tooManyRules", $"A group has at most {FirewallRules.MostRules} rules; these are {asked.Count}.");
        FirewallRule[] rules = [.. asked.Take(FirewallRules.MostRules).Select((rule, index) => FirewallRules.Resolve(rule, index + 1, $"$.rules[{index}]", request.Snapshot, project, problems))];
        problems.ThrowIfAny();
        if (request.Snapshot.All(Keys.FirewallGroups).Count() >= MostGroups)
            throw ProblemException.Conflict("firewallGroup.tooMany", $"There are {MostGroups} firewall groups already.", "Delete those that nothing uses: lamina firewall group list.");

        var spec = new FirewallGroupSpec
        {
            Name = body.Name,
            Project = project,
            CreatedAt = time.GetUtcNow(),
            Notes = body.Notes,
            Inbound = body.Inbound ?? FirewallAction.Drop,
            Outbound = body.Outbound ?? FirewallAction.Accept,
            Rules = rules,
            LastRule = rules.Length,
        };
        var target = new ObjectReference { Kind = Noun, Id = Guid.CreateVersion7().ToString(), Name = spec.Name };
        var change = new StoreChange("firewallGroup.create")
            .Create(Keys.Names, Keys.NameId(project, Noun, spec.Name), new Claim { Owner = target.Id })
            .Create(Keys.FirewallGroups, target.Id, spec);
        RequirePeers(change, request.Snapshot, rules);
        Tell(change, "firewallGroup.created", $"Firewall group '{spec.Name}' was made.", target, project);
        return await request.CommitAsync(change, ApiAnswer.Created(View(target.Id, spec, []), ApiJson.Default.FirewallGroup, ApiPaths.Of("firewall-groups", target.Id, project)), target);
    }

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var group = Find(request);
        request.RequireMatch(group);
        var update = await request.PatchAsync(
            new FirewallGroupUpdate { Notes = group.Record.Notes, Inbound = group.Record.Inbound, Outbound = group.Record.Outbound }, ApiJson.Default.FirewallGroupUpdate);
        var problems = new InputProblems();
        CheckNotes(update.Notes, problems);
        problems.ThrowIfAny();
        var spec = group.Record with { Notes = update.Notes, Inbound = update.Inbound ?? FirewallAction.Drop, Outbound = update.Outbound ?? FirewallAction.Accept };
        return await CommitAsync(request, new StoreChange("firewallGroup.update"), group, spec, $"Firewall group '{spec.Name}' was changed: in {Word(spec.Inbound)}, out {Word(spec.Outbound)}.");
    }

    private async ValueTask<ApiAnswer> AddRuleAsync(ApiRequest request)
    {
        var group = Find(request);
        request.RequireMatch(group);
        var body = await request.DraftAsync(ApiJson.Default.FirewallRuleCreate);
        var problems = new InputProblems();
        int id = group.Record.LastRule + 1;
        var rule = FirewallRules.Resolve(body, id, "$", request.Snapshot, group.Record.Project, problems);
        if (group.Record.Rules.Count >= FirewallRules.MostRules) problems.Add("$", "firewall.tooManyRules", $"Group '{group.Record.Name}' has {FirewallRules.MostRules} rules, which is the most: join some, or use another group beside it.");
        if (body.Before is { } before && group.Record.Rules.All(other => other.Id != before)) problems.Add("$.before", "firewallRule.notFound", $"Group '{group.Record.Name}' has no rule {before}.");
        problems.ThrowIfAny();

        var rules = group.Record.Rules.ToList();
        rules.Insert(body.Before is { } next ? rules.FindIndex(other => other.Id == next) : rules.Count, rule);
        var change = new StoreChange("firewallGroup.addRule");
        RequirePeers(change, request.Snapshot, [rule]);
        return await CommitAsync(request, change, group, group.Record with { Rules = rules, LastRule = id }, $"Firewall group '{group.Record.Name}' got rule {id}.");
    }

    private async ValueTask<ApiAnswer> RemoveRuleAsync(ApiRequest request)
    {
        var group = Find(request);
        request.RequireMatch(group);
        string text = request.Route("rule");
        var rule = group.Record.Rules.FirstOrDefault(rule => rule.Id.ToString(CultureInfo.InvariantCulture) == text) ?? throw new ProblemException(
            ProblemKind.NotFound, "firewallRule.notFound", $"Firewall group '{group.Record.Name}' has no rule {Suggestions.Shorten(text)}.", $"Its rules have these numbers: lamina firewall rule list {group.Record.Name}");
        var spec = group.Record with { Rules = [.. group.Record.Rules.Where(other => other != rule)] };
        return await CommitAsync(request, new StoreChange("firewallGroup.removeRule"), group, spec, $"Firewall group '{spec.Name}' lost rule {rule.Id}.");
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var group = Find(request);
        request.RequireMatch(group);
        var users = UsersOf(request.Snapshot, group.Id).Select(vm => $"VM {vm.Record.Name}")
            .Concat(request.Snapshot.All(Keys.FirewallGroups).Where(other => other.Record.Rules.Any(rule => rule.Peer?.Group == group.Id) && other.Id != group.Id).Select(other => $"rules of group {other.Record.Name}"))
            .ToArray();
        if (users.Length > 0)
        {
            string more = users.Length > 5 ? $" and {users.Length - 5} more" : "";
            throw ProblemException.Conflict(
                "firewallGroup.inUse", $"Firewall group '{group.Record.Name}' is used by {string.Join(", ", users.Take(5))}{more}.", "Take it from those first: lamina vm firewall set VM, lamina firewall rule remove.");
        }

        var change = new StoreChange("firewallGroup.delete")
            .Delete(Keys.FirewallGroups[group.Id], group.ModRevision)
            .Delete(Keys.Names[Keys.NameId(group.Record.Project, Noun, group.Record.Name)]);
        Tell(change, "firewallGroup.deleted", $"Firewall group '{group.Record.Name}' was deleted.", ReferenceTo(group), group.Record.Project);
        return await request.CommitAsync(change, ApiAnswer.NoContent(), ReferenceTo(group));
    }

    private async ValueTask<ApiAnswer> CommitAsync(ApiRequest request, StoreChange change, CachedRecord<FirewallGroupSpec> group, FirewallGroupSpec spec, string message)
    {
        change.Update(Keys.FirewallGroups, group.Id, spec, group.ModRevision);
        Tell(change, "firewallGroup.changed", message, ReferenceTo(group), spec.Project);
        return await request.CommitAsync(change, ApiAnswer.Ok(View(group.Id, spec, UsersOf(request.Snapshot, group.Id)), ApiJson.Default.FirewallGroup), ReferenceTo(group));
    }

    /// <summary>What a rule names must not be deleted at this moment.</summary>
    private static void RequirePeers(StoreChange change, CacheSnapshot snapshot, IReadOnlyList<FirewallRule> rules)
    {
        foreach (string id in rules.Select(rule => rule.Peer?.Group).OfType<string>().Distinct()) change.Require(Keys.FirewallGroups[id], snapshot.Get(Keys.FirewallGroups, id)!.ModRevision);
        foreach (string id in rules.Select(rule => rule.Peer?.Network).OfType<string>().Distinct()) change.RequireExists(Keys.Networks.Spec[id]);
    }

    private static void CheckNotes(string? notes, InputProblems problems)
    {
        if (notes?.Length > LongestNotes) problems.Add("$.notes", "value.long", $"Use at most {LongestNotes} characters.");
    }

    private void Tell(StoreChange change, string kind, string message, ObjectReference target, string project) =>
        events.Add(change, new EventDraft { Kind = kind, Message = message, Target = target, Project = project });

    private static CachedRecord<FirewallGroupSpec> Find(ApiRequest request) =>
        request.Snapshot.TryFind(Keys.FirewallGroups, Noun, request.Project, request.Route("group")) ?? throw new ProblemException(
            ProblemKind.NotFound,
            "firewallGroup.notFound",
            $"There is no firewall group '{Suggestions.Shorten(request.Route("group"))}' in project '{request.Project}'.",
            "List what there is with 'lamina firewall group list'.");

    private static IReadOnlyList<CachedRecord<VmSpec>> UsersOf(CacheSnapshot snapshot, string groupId) =>
        [.. snapshot.All(Keys.Vms.Spec).Where(vm => vm.Record.Nics.Any(nic => nic.FirewallGroups.Contains(groupId)))];

    private static ApiAnswer Show(ApiRequest request, CachedRecord<FirewallGroupSpec> spec) => ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.FirewallGroup, spec);

    private static FirewallGroup View(CacheSnapshot snapshot, CachedRecord<FirewallGroupSpec> spec) => View(spec.Id, spec.Record, UsersOf(snapshot, spec.Id));

    private static FirewallGroup View(string id, FirewallGroupSpec spec, IReadOnlyList<CachedRecord<VmSpec>> users) => new()
    {
        Id = id,
        Name = spec.Name,
        Project = spec.Project,
        Spec = spec,
        UsedBy = [.. users.Select(vm => vm.Id)],
    };

    private static ObjectReference ReferenceTo(CachedRecord<FirewallGroupSpec> group) => new() { Kind = Noun, Id = group.Id, Name = group.Record.Name };

    private static string Word(FirewallAction action) => action == FirewallAction.Accept ? "accept" : "drop";
}
