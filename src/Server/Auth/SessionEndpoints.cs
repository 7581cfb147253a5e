using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary>
/// <c>/v1/sessions</c>: logging in and out; one's own log-ins, an administrator's list has all; <c>/v1/whoami</c>.
/// </summary>
internal sealed class SessionEndpoints(Passwords passwords, LoginThrottle throttle, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Post("/v1/sessions", Permission.Public, "Logs in and gives a bearer token", CreateAsync)
            .Takes(ApiJson.Default.SessionCreate).Answers(ApiJson.Default.SessionCreated, StatusCodes.Status201Created).InstallationWide()
            .Problems("auth.failed", "auth.throttled");
        api.Get("/v1/sessions", Permission.SignedIn, "Lists one's own log-ins; an administrator's list has all", List)
            .Answers(ApiJson.Default.PageSession).Paged().InstallationWide();
        api.Delete("/v1/sessions/{session}", Permission.SignedIn, "Ends a log-in at once", EndAsync).AnswersNothing().InstallationWide()
            .Problems("session.notFound");
        api.Delete("/v1/sessions/current", Permission.SignedIn, "Logs this session out", DeleteAsync).AnswersNothing().InstallationWide()
            .Problems("session.none");
        api.Get("/v1/whoami", Permission.SignedIn, "Shows who asks, and with which roles", WhoAmI)
            .Answers(ApiJson.Default.WhoAmI).InstallationWide();
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.SessionCreate);
        var address = request.Http.Connection.RemoteIpAddress;
        request.Http.Features.Set(new AttemptedUser(Suggestions.Shorten(body.User)));
        throttle.Require(request, body.User);
        var user = request.Snapshot.Get(Keys.Users, body.User)?.Record;
        bool right = await passwords.VerifyAsync(body.User, user?.PasswordHash, body.Password, request.Aborted);
        if (!right || user is not { Disabled: false }) throw Failed();
        throttle.Succeeded(body.User, address);
        return await OpenAsync(request, user, body.Cookie);
    }

    private async ValueTask<ApiAnswer> OpenAsync(ApiRequest request, UserRecord user, bool asCookie)
    {
        var now = time.GetUtcNow();
        string secret = Secret.NewSession();
        var session = new SessionRecord { User = user.Name, CreatedAt = now, ExpiresAt = SessionRules.EndFor(now, now) };
        var change = new StoreChange("session.create").Create(Keys.Sessions, Secret.Hash(secret), session);
        foreach (var surplus in SessionRules.Surplus(request.Snapshot, user.Name)) change.Delete(Keys.Sessions[surplus.Id]);
        // A password changed or a user disabled meanwhile must not be overtaken by this log-in.
        change.Require(Keys.Users[user.Name], request.Snapshot.Get(Keys.Users, user.Name)!.ModRevision);
        var answer = new SessionCreated { Token = asCookie ? null : secret, User = user.Name, ExpiresAt = session.ExpiresAt };
        var committed = await request.CommitAsync(
            change, ApiAnswer.Created(answer, ApiJson.Default.SessionCreated, "/v1/sessions/current"), UserEndpoints.Reference(user.Name));
        if (asCookie) SessionCookie.Give(request.Http, secret, session.CreatedAt + SessionRules.Longest);
        return committed;
    }

    private ApiAnswer List(ApiRequest request)
    {
        string? current = Authentication.Of(request.Http)!.Session?.Id;
        return ApiAnswer.Ok(request.Page.Cut(Shown(request).Select(session => View(session, current)), session => session.Id), ApiJson.Default.PageSession);
    }

    private async ValueTask<ApiAnswer> EndAsync(ApiRequest request)
    {
        string id = request.Route("session");
        if (Shown(request).FirstOrDefault(known => SessionRules.IdOf(known.Id) == id) is not { } session) throw new ProblemException(
            ProblemKind.NotFound, "session.notFound", $"There is no session '{Suggestions.Shorten(id)}' of yours.", "List them with 'lamina session list'.");
        return await request.CommitAsync(
            new StoreChange("session.end").Delete(Keys.Sessions[session.Id]), ApiAnswer.NoContent(), UserEndpoints.Reference(session.Record.User));
    }

    /// <summary>A token sees those of nobody, unless it is an administrator's: it has not logged in.</summary>
    private IEnumerable<CachedRecord<SessionRecord>> Shown(ApiRequest request)
    {
        var identity = Authentication.Of(request.Http)!;
        if (request.Caller.May(Permission.Administer, null)) return SessionRules.Lasting(request.Snapshot, user: null, time.GetUtcNow());
        return identity is { IsToken: false, User: { } user } ? SessionRules.Lasting(request.Snapshot, user, time.GetUtcNow()) : [];
    }

    private static Session View(CachedRecord<SessionRecord> session, string? current) => new()
    {
        Id = SessionRules.IdOf(session.Id),
        User = session.Record.User,
        CreatedAt = session.Record.CreatedAt,
        ExpiresAt = session.Record.ExpiresAt,
        Current = session.Id == current,
    };

    private static async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        if (Authentication.Of(request.Http)?.Session is not var (id, record)) throw new ProblemException(
            ProblemKind.Conflict, "session.none", $"{request.Caller.Subject} has no session to end.", "Delete a token with DELETE /v1/tokens/NAME.");
        SessionCookie.Take(request.Http);
        return await request.CommitAsync(
            new StoreChange("session.delete").Delete(Keys.Sessions[id]), ApiAnswer.NoContent(), UserEndpoints.Reference(record.User));
    }

    private static ApiAnswer WhoAmI(ApiRequest request)
    {
        var identity = Authentication.Of(request.Http)!;
        bool isFirst = identity.User is { } user && request.Snapshot.Get(Keys.Users, user)?.Record.FirstPassword == true;
        return ApiAnswer.Ok(new WhoAmI { Subject = identity.Subject, Bindings = identity.Rights.Bindings, FirstPassword = isFirst }, ApiJson.Default.WhoAmI);
    }

    // One answer for unknown users, wrong passwords and disabled users.
    private static ProblemException Failed() =>
        new(ProblemKind.Unauthenticated, "auth.failed", "The user or the password is wrong.", "An administrator can set a new password.");
}
