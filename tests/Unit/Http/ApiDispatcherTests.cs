using System.Globalization;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Xunit;

namespace Lamina.Tests.Unit.Http;

/// <summary>What the dispatcher does around a handler, on projects as the example of an object.</summary>
public sealed class ApiDispatcherTests
{
    private static readonly ObjectReference Target = new() { Kind = "project", Id = "p" };

    private static EndpointDescription Post => new()
    {
        Method = "POST",
        Pattern = "/v1/things",
        Permission = Permission.Operate,
        Summary = "Makes a thing",
        IsIdempotent = true,
        ShowAgain = (request, id) => ApiAnswer.Created(View(request.Snapshot.Get(Keys.Projects, id)!.Record), ApiJson.Default.Project, "/again"),
    };

    private static EndpointDescription Patch => new() { Method = "PATCH", Pattern = "/v1/things/p", Permission = Permission.Operate, Summary = "Changes it" };

    [Fact]
    public async Task WithoutThePermissionTheHandlerIsNeverCalled()
    {
        await using var world = await HttpWorld.StartAsync();
        ValueTask<ApiAnswer> Never(ApiRequest request) => throw new InvalidOperationException("called");
        var viewer = new Caller("user:eve", (permission, project) => permission == Permission.View && project == "default");
        Assert.Equal((403, "auth.denied"), CodeOf(await world.AskAsync(Post, Never, caller: viewer)));
        Assert.Equal((401, "auth.required"), CodeOf(await world.AskAsync(Post, Never, caller: Caller.Anonymous)));
        Assert.Equal((403, "auth.denied"), CodeOf(await world.AskAsync(Post, Never, query: "?project=other", caller: new Caller("user:op", (_, project) => project == "default"))));
    }

    [Fact]
    public async Task APermissionInTheQuerysProjectIsNoneInTheBodys()
    {
        await using var world = await HttpWorld.StartAsync();
        var own = new Caller("user:op", (_, project) => project == "own");
        Assert.Equal((403, "auth.denied"), CodeOf(await world.AskAsync(Post, request => Make(request, request.ProjectFor("other")), query: "", caller: new Caller("user:op", (_, project) => project == "default"))));
        Assert.Equal((400, "input.invalid"), CodeOf(await world.AskAsync(Post, request => Make(request, request.ProjectFor("other")), query: "?project=own", caller: own)));
    }

    [Fact]
    public async Task ACommitIsAnsweredWithItsRevisionAndTag()
    {
        var audited = new List<int>();
        await using var world = await HttpWorld.StartAsync((_, _, _, status) => audited.Add(status));
        var made = await world.AskAsync(Post, request => Make(request, "p"));
        Assert.Equal(201, made.Status);
        Assert.Equal($"\"{made.Headers["Lamina-Revision"]}\"", made.Headers.ETag);
        Assert.Equal([201], audited);
    }

    [Fact]
    public async Task TheSameKeyAndRequestMakesOneThing()
    {
        await using var world = await HttpWorld.StartAsync();
        var first = await world.AskAsync(Post, request => Make(request, "p"), """{"a":1}""", headers: ("Idempotency-Key", "k1"));
        Assert.Equal("/v1/projects/p", first.Headers.Location);
        var second = await world.AskAsync(Post, request => Make(request, "q"), """{"a":1}""", headers: ("Idempotency-Key", "k1"));
        Assert.Equal((201, "/again", first.Body), (second.Status, (string?)second.Headers.Location, second.Body));
        Assert.Null(world.Cache.Snapshot.Get(Keys.Projects, "q"));
    }

    [Fact]
    public async Task TheSameKeyForAnotherRequestIsRefused()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.AskAsync(Post, request => Make(request, "p"), """{"a":1}""", headers: ("Idempotency-Key", "k1"));
        Assert.Equal((422, "idempotency.keyReused"), CodeOf(await world.AskAsync(Post, request => Make(request, "q"), """{"a":2}""", headers: ("Idempotency-Key", "k1"))));
        var other = await world.AskAsync(Post, request => Make(request, "q"), """{"a":2}""", caller: new Caller("user:other", (_, _) => true), headers: ("Idempotency-Key", "k1"));
        Assert.Equal(201, other.Status);
        Assert.Equal((400, "idempotency.keyInvalid"), CodeOf(await world.AskAsync(Post, request => Make(request, "r"), headers: ("Idempotency-Key", new string('k', 129)))));
    }

    [Fact]
    public async Task ARefusedRequestDoesNotUseUpItsKey()
    {
        await using var world = await HttpWorld.StartAsync();
        var refused = await world.AskAsync(Post, _ => throw Lamina.Server.ProblemException.Conflict("x", "no"), headers: ("Idempotency-Key", "k1"));
        Assert.Equal(409, refused.Status);
        Assert.Equal(201, (await world.AskAsync(Post, request => Make(request, "p"), headers: ("Idempotency-Key", "k1"))).Status);
    }

    [Fact]
    public async Task AHandlerThatWasOvertakenDecidesAnew()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "p", new ProjectSpec { Name = "p", Description = "0" }));
        int calls = 0;
        var answer = await world.AskAsync(Patch, async request =>
        {
            var spec = request.Snapshot.Get(Keys.Projects, "p")!;
            if (++calls == 1) await world.CommitAsync(new StoreChange("test").Put(Keys.Projects, "p", spec.Record with { Description = "other" }));
            return await ChangeAsync(request, spec, spec.Record.Description + "+mine");
        });
        Assert.Equal((200, 2), (answer.Status, calls));
        Assert.Contains("other+mine", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyWhoOvertakeEachOtherAllComeThrough()
    {
        const int Many = 40;
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "p", new ProjectSpec { Name = "p", Description = "0" }));
        int decided = 0;
        var allHaveRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answers = await Task.WhenAll(Enumerable.Range(0, Many).Select(_ => Task.Run(() => world.AskAsync(Patch, async request =>
        {
            var spec = request.Snapshot.Get(Keys.Projects, "p")!;
            if (Interlocked.Increment(ref decided) == Many) allHaveRead.SetResult();
            await allHaveRead.Task;
            return await ChangeAsync(request, spec, $"{int.Parse(spec.Record.Description!, CultureInfo.InvariantCulture) + 1}");
        }))));
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Contains(answers, answer => answer.Body.Contains($"\"{Many}\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WhoeverIsAlwaysOvertakenGetsAnAnswer()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "p", new ProjectSpec { Name = "p" }));
        var answer = await world.AskAsync(Patch, async request =>
        {
            var spec = request.Snapshot.Get(Keys.Projects, "p")!;
            await world.CommitAsync(new StoreChange("test").Put(Keys.Projects, "p", spec.Record with { Description = "other" }));
            return await ChangeAsync(request, spec, "mine");
        });
        Assert.Equal((409, "conflict.busy"), CodeOf(answer));
    }

    [Fact]
    public async Task IfMatchIsObeyedAlsoWhenOvertaken()
    {
        await using var world = await HttpWorld.StartAsync();
        long revision = await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "p", new ProjectSpec { Name = "p" }));
        string tag = $"\"{new Lamina.Server.Store.StoreRevision(world.Services.Store.StoreId, revision)}\"";
        ValueTask<ApiAnswer> Change(ApiRequest request)
        {
            var spec = request.Snapshot.Get(Keys.Projects, "p")!;
            request.RequireMatch(spec);
            return ChangeAsync(request, spec, "mine");
        }

        Assert.Equal((412, "etag.mismatch"), CodeOf(await world.AskAsync(Patch, Change, headers: ("If-Match", "\"other-1\""))));
        Assert.Equal(200, (await world.AskAsync(Patch, Change, headers: ("If-Match", $"\"x\", {tag}"))).Status);
        Assert.Equal((412, "etag.mismatch"), CodeOf(await world.AskAsync(Patch, Change, headers: ("If-Match", tag))));
        Assert.Equal(200, (await world.AskAsync(Patch, Change, headers: ("If-Match", "*"))).Status);
    }

    [Fact]
    public async Task ANameTakenMeanwhileIsSaidToBe()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test").Create(Keys.Names, Keys.NameId("default", "image", "debian/12"), new Claim { Owner = "1" }));
        var answer = await world.AskAsync(Post, request => request.CommitAsync(
            new StoreChange("test").Create(Keys.Names, Keys.NameId("default", "image", "debian/12"), new Claim { Owner = "2" }), ApiAnswer.NoContent()));
        Assert.Equal((409, "name.taken"), CodeOf(answer));
        Assert.Contains("image 'debian/12'", answer.Problem.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APatchMergesWithWhatIsThere()
    {
        await using var world = await HttpWorld.StartAsync();
        VmUpdate? merged = null;
        async ValueTask<ApiAnswer> Merge(ApiRequest request)
        {
            var now = new VmUpdate { Name = "a", Cpus = 2, Notes = "n", Limits = new VmLimits { CpuPercent = 50, CpuWeight = 7 } };
            merged = await request.PatchAsync(now, ApiJson.Default.VmUpdate);
            return ApiAnswer.NoContent();
        }

        var answer = await world.AskAsync(Patch, Merge, """{"cpus":4,"notes":null,"limits":{"cpuPercent":null}}""");
        Assert.Equal(204, answer.Status);
        Assert.Equal(("a", 4, null, null, 7), (merged!.Name, merged.Cpus, merged.Notes, merged.Limits!.CpuPercent, merged.Limits.CpuWeight));
        var refused = await world.AskAsync(Patch, Merge, """{"cpu":4,"memoryMiB":"x","limits":{"cpuPercent":"a"}}""");
        Assert.Equal(["$.cpu", "$.memoryMiB", "$.limits.cpuPercent"], refused.Problem.Problems!.Select(problem => problem.Path));
    }

    [Fact]
    public async Task ProblemsOfTheFormAndOfTheRulesComeTogetherAndNothingIsDone()
    {
        await using var world = await HttpWorld.StartAsync();
        async ValueTask<ApiAnswer> Create(ApiRequest request)
        {
            var body = await request.DraftAsync(ApiJson.Default.Project);
            if (body.Name == "bad") throw new InputException([new InputProblem { Path = "$.name", Code = "name.invalid", Message = "m" }]);
            return await Make(request, body.Name);
        }

        var both = await world.AskAsync(Post, Create, """{"name":"bad","descripton":"x"}""");
        Assert.Equal(["$.descripton", "$.name"], both.Problem.Problems!.Select(problem => problem.Path));
        var form = await world.AskAsync(Post, Create, """{"name":"good","descripton":"x"}""");
        Assert.Equal(["$.descripton"], form.Problem.Problems!.Select(problem => problem.Path));
        Assert.Null(world.Cache.Snapshot.Get(Keys.Projects, "good"));
        Assert.Equal(201, (await world.AskAsync(Post, Create, """{"name":"good"}""")).Status);
    }

    [Fact]
    public async Task AHandlerThatDoesNotCommitCannotSucceedOnABadBody()
    {
        await using var world = await HttpWorld.StartAsync();
        var answer = await world.AskAsync(Post, async request =>
        {
            await request.DraftAsync(ApiJson.Default.Project);
            return ApiAnswer.NoContent();
        }, """{"name":"good","x":1}""");
        Assert.Equal((400, "input.invalid"), CodeOf(answer));
    }

    private static (int Status, string Code) CodeOf(HttpAnswer answer) => (answer.Status, answer.Problem.Code);

    private static Project View(ProjectSpec spec) => new() { Name = spec.Name, Description = spec.Description };

    private static ValueTask<ApiAnswer> Make(ApiRequest request, string name)
    {
        var spec = new ProjectSpec { Name = name };
        var answer = ApiAnswer.Created(View(spec), ApiJson.Default.Project, $"/v1/projects/{name}");
        return request.CommitAsync(new StoreChange("test").Create(Keys.Projects, name, spec), answer, Target with { Id = name });
    }

    private static ValueTask<ApiAnswer> ChangeAsync(ApiRequest request, CachedRecord<ProjectSpec> spec, string description)
    {
        var changed = spec.Record with { Description = description };
        return request.CommitAsync(
            new StoreChange("test").Update(Keys.Projects, "p", changed, spec.ModRevision), ApiAnswer.Ok(View(changed), ApiJson.Default.Project), Target);
    }
}
