using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary><c>/v1/users</c>. A user's id is the name; users are disabled, not deleted, so that the audit keeps its meaning.</summary>
internal sealed class UserEndpoints(Passwords passwords, LoginThrottle throttle, string firstPasswordFile, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Get("/v1/users", Permission.Administer, "Lists users", List).Answers(ApiJson.Default.PageUser).Paged().InstallationWide();
        api.Get("/v1/users/{user}", Permission.Administer, "Shows a user", request => Show(Find(request)))
            .Answers(ApiJson.Default.User).InstallationWide();
        api.Post("/v1/users", Permission.Administer, "Creates a user", CreateAsync)
            .Takes(ApiJson.Default.UserCreate).Answers(ApiJson.Default.User, StatusCodes.Status201Created).InstallationWide()
            .Idempotent((request, id) => Show(request.Snapshot.Get(Keys.Users, id)!)).Problems("user.exists");
        api.Patch("/v1/users/{user}", Permission.Administer, "Disables or enables a user", UpdateAsync)
            .Takes(ApiJson.Default.UserUpdate).Answers(ApiJson.Default.User).InstallationWide().Problems("user.lastAdmin");
        api.Post("/v1/users/{user}/password", Permission.SignedIn, "Sets a password", SetPasswordAsync)
            .Takes(ApiJson.Default.PasswordChange).Answers(ApiJson.Default.User).InstallationWide().Problems("auth.failed");
    }

    public static ObjectReference Reference(string name) => new() { Kind = "user", Id = name, Name = name };

    private static ApiAnswer List(ApiRequest request) => ApiAnswer.Ok(
        request.Page.Cut(request.Snapshot.All(Keys.Users).Select(View), user => user.Name), ApiJson.Default.PageUser);

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.UserCreate);
        var problems = new InputProblems();
        Names.CheckLabel(body.Name, "$.name", problems);
        Passwords.Check(body.Password, body.Name, "$.password", problems);
        if (body.Scope is { } scope) BindingRules.CheckScope(request.Snapshot, scope, "$.scope", problems);
        if (body.Scope is not null && body.Role is null) problems.Add("$.scope", "role.missing", "A scope needs a role: write $.role too.");
        problems.ThrowIfAny();
        if (request.Snapshot.Get(Keys.Users, body.Name) is not null)
            throw ProblemException.Conflict("user.exists", $"There is a user '{body.Name}' already.", "Choose another name, or enable that user again.");
        var user = new UserRecord
        {
            Name = body.Name,
            PasswordHash = await passwords.HashAsync(body.Name, body.Password, request.Aborted),
            CreatedAt = time.GetUtcNow(),
        };
        var change = new StoreChange("user.create").Create(Keys.Users, user.Name, user);
        if (body.Role is { } role) BindingEndpoints.Put(change, Subjects.User(user.Name), role, body.Scope ?? Rights.EveryScope);
        return await request.CommitAsync(
            change, ApiAnswer.Created(View(user), ApiJson.Default.User, ApiPaths.Of("users", user.Name, null)), Reference(user.Name));
    }

    private static async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var user = Find(request);
        var update = await request.PatchAsync(new UserUpdate { Disabled = user.Record.Disabled }, ApiJson.Default.UserUpdate);
        request.RequireMatch(user);
        var changed = user.Record with { Disabled = update.Disabled ?? false };
        if (changed.Disabled && BindingRules.LeavesNoAdmin(request.Snapshot, null, user.Id)) throw BindingEndpoints.LastAdmin(user.Id);
        var change = new StoreChange("user.update").Update(Keys.Users, user.Id, changed, user.ModRevision);
        if (changed.Disabled) EndSessions(request, change, user.Id, except: null);
        return await request.CommitAsync(change, ApiAnswer.Ok(View(changed), ApiJson.Default.User), Reference(user.Id));
    }

    private async ValueTask<ApiAnswer> SetPasswordAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.PasswordChange);
        var identity = Authentication.Of(request.Http)!;
        bool own = identity.User == request.Route("user") && !identity.IsToken;
        if (!own) request.Caller.Require(Permission.Administer, null);
        var user = Find(request);
        var problems = new InputProblems();
        Passwords.Check(body.Password, user.Id, "$.password", problems);
        problems.ThrowIfAny();
        if (own) await VerifyCurrentAsync(request, user, body.Current);
        var changed = user.Record with { PasswordHash = await passwords.HashAsync(user.Id, body.Password, request.Aborted), FirstPassword = false };
        var change = new StoreChange("user.password").Update(Keys.Users, user.Id, changed, user.ModRevision);
        EndSessions(request, change, user.Id, except: identity.Session?.Id);
        var answer = await request.CommitAsync(change, ApiAnswer.Ok(View(changed), ApiJson.Default.User), Reference(user.Id));
        // The first password opens nothing any more.
        if (user.Id == FirstAdmin.Name) File.Delete(firstPasswordFile);
        return answer;
    }

    private async ValueTask VerifyCurrentAsync(ApiRequest request, CachedRecord<UserRecord> user, string? current)
    {
        throttle.Require(request, user.Id);
        if (!await passwords.VerifyAsync(user.Id, user.Record.PasswordHash, current ?? "", request.Aborted)) throw new ProblemException(
            ProblemKind.Denied, "auth.failed", "The current password is wrong.", "Write it as $.current; an administrator can set a new one without it.");
        throttle.Succeeded(user.Id, request.Http.Connection.RemoteIpAddress);
    }

    private static void EndSessions(ApiRequest request, StoreChange change, string user, string? except)
    {
        foreach (var session in SessionRules.OfUser(request.Snapshot, user).Where(session => session.Id != except)) change.Delete(Keys.Sessions[session.Id]);
    }

    private static CachedRecord<UserRecord> Find(ApiRequest request) => request.Snapshot.Get(Keys.Users, request.Route("user")) ?? throw new ProblemException(
        ProblemKind.NotFound, "user.notFound", $"There is no user '{Suggestions.Shorten(request.Route("user"))}'.", "List them with 'lamina user list'.");

    private static ApiAnswer Show(CachedRecord<UserRecord> user) => ApiAnswer.Ok(View(user), ApiJson.Default.User, user);

    private static User View(CachedRecord<UserRecord> user) => View(user.Record);

    private static User View(UserRecord user) =>
        new() { Id = user.Name, Name = user.Name, Disabled = user.Disabled, CreatedAt = user.CreatedAt };
}
