using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.Placement;

/// <summary><c>/v1/placement-rules</c>: which hosts VMs may or should run on. A rule holds for placements to come; running VMs are moved by nobody for it but balancing.</summary>
internal sealed class PlacementRuleEndpoints(EventLog events, TimeProvider time)
{
    /// <summary>In names, problem codes and references.</summary>
    public const string Noun = "placementRule";
    public const int MostRules = 500;

    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<PlacementRule>(
        "placement-rules",
        [Keys.PlacementRules],
        (snapshot, id) => snapshot.Get(Keys.PlacementRules, id) is { } rule ? View(snapshot, rule.Id, rule.Record) : null,
        rule => rule.Project,
        ApiJson.Default.PlacementRule);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/placement-rules", Permission.View, "Lists placement rules", List).Paged().Filtered("name").Answers(ApiJson.Default.PagePlacementRule);
        api.Get("/v1/placement-rules/{rule}", Permission.View, "Shows a placement rule", Show).Answers(ApiJson.Default.PlacementRule).Problems("placementRule.notFound");
        api.Post("/v1/placement-rules", Permission.Operate, "Makes a placement rule", CreateAsync)
            .Takes(ApiJson.Default.PlacementRuleCreate).Answers(ApiJson.Default.PlacementRule, StatusCodes.Status201Created)
            .Idempotent((request, id) => Answer(request, request.Snapshot.Get(Keys.PlacementRules, id)!)).Problems("name.taken", "placementRule.tooMany");
        api.Delete("/v1/placement-rules/{rule}", Permission.Operate, "Deletes a placement rule", DeleteAsync).AnswersNothing().Problems("placementRule.notFound", "etag.mismatch");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.PlacementRules)
            .Where(rule => request.Shows(rule.Record.Project) && request.Passes("name", rule.Record.Name))
            .Select(rule => View(request.Snapshot, rule.Id, rule.Record));
        return ApiAnswer.Ok(request.Page.Cut(all, rule => $"{rule.Name} {rule.Id}"), ApiJson.Default.PagePlacementRule);
    }

    private static ApiAnswer Show(ApiRequest request) => Answer(request, Find(request));

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.PlacementRuleCreate);
        string project = request.ProjectFor(body.Project);
        var problems = new InputProblems();
        var spec = PlacementRules.Resolve(body, request.Snapshot, project, time.GetUtcNow(), problems);
        problems.ThrowIfAny();
        if (request.Snapshot.Count(Keys.PlacementRules) >= MostRules)
            throw ProblemException.Conflict("placementRule.tooMany", $"There are {MostRules} placement rules already.", "Delete those that nothing needs: lamina placement rule list.");

        var target = new ObjectReference { Kind = Noun, Id = Guid.CreateVersion7().ToString(), Name = spec.Name };
        var change = new StoreChange("placementRule.create")
            .Create(Keys.Names, Keys.NameId(project, Noun, spec.Name), new Claim { Owner = target.Id })
            .Create(Keys.PlacementRules, target.Id, spec);
        Tell(change, "placementRule.created", $"Placement rule '{spec.Name}' was made.", target, project);
        return await request.CommitAsync(
            change, ApiAnswer.Created(View(request.Snapshot, target.Id, spec), ApiJson.Default.PlacementRule, ApiPaths.Of("placement-rules", target.Id, project)), target);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var rule = Find(request);
        request.RequireMatch(rule);
        var target = new ObjectReference { Kind = Noun, Id = rule.Id, Name = rule.Record.Name };
        var change = new StoreChange("placementRule.delete")
            .Delete(Keys.PlacementRules[rule.Id], rule.ModRevision)
            .Delete(Keys.Names[Keys.NameId(rule.Record.Project, Noun, rule.Record.Name)]);
        Tell(change, "placementRule.deleted", $"Placement rule '{rule.Record.Name}' was deleted.", target, rule.Record.Project);
        return await request.CommitAsync(change, ApiAnswer.NoContent(), target);
    }

    private void Tell(StoreChange change, string kind, string message, ObjectReference target, string project) =>
        events.Add(change, new EventDraft { Kind = kind, Message = message, Target = target, Project = project });

    private static CachedRecord<PlacementRuleSpec> Find(ApiRequest request) =>
        request.Snapshot.TryFind(Keys.PlacementRules, Noun, request.Project, request.Route("rule")) ?? throw new ProblemException(
            ProblemKind.NotFound,
            "placementRule.notFound",
            $"There is no placement rule '{Suggestions.Shorten(request.Route("rule"))}' in project '{request.Project}'.",
            "List what there is with 'lamina placement rule list'.");

    private static ApiAnswer Answer(ApiRequest request, CachedRecord<PlacementRuleSpec> rule) =>
        ApiAnswer.Ok(View(request.Snapshot, rule.Id, rule.Record), ApiJson.Default.PlacementRule, rule);

    private static PlacementRule View(CacheSnapshot snapshot, string id, PlacementRuleSpec spec) => new()
    {
        Id = id,
        Name = spec.Name,
        Project = spec.Project,
        Spec = spec,
        Covers =
        [
            .. snapshot.All(Keys.Vms.Spec)
                .Where(vm => vm.Record.Project == spec.Project && (spec.Vms.Contains(vm.Id) || vm.Record.Tags.Any(spec.Tags.Contains)))
                .Select(vm => vm.Id),
        ],
    };
}
