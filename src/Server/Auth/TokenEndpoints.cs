using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary>
/// <c>/v1/tokens</c>: tokens for programs. A token's id is its name; one sees and deletes one's own, an administrator all. Tokens make no tokens:
/// a leaked one must not outlive its deletion.
/// </summary>
internal sealed class TokenEndpoints(TimeProvider time)
{
    /// <summary>Nobody fills the store with tokens.</summary>
    public const int MostPerMaker = 100;

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/tokens", Permission.SignedIn, "Lists one's own tokens; an administrator's list has all", List)
            .Answers(ApiJson.Default.PageApiToken).Paged().InstallationWide();
        api.Get("/v1/tokens/{token}", Permission.SignedIn, "Shows a token, without its secret", request => ApiAnswer.Ok(View(Find(request).Record), ApiJson.Default.ApiToken))
            .Answers(ApiJson.Default.ApiToken).InstallationWide();
        api.Post("/v1/tokens", Permission.SignedIn, "Creates a token and shows its secret this once", CreateAsync)
            .Takes(ApiJson.Default.TokenCreate).Answers(ApiJson.Default.TokenCreated, StatusCodes.Status201Created).InstallationWide()
            .Problems("token.exists", "token.tooMuch", "token.tooMany", "token.byToken");
        api.Delete("/v1/tokens/{token}", Permission.SignedIn, "Deletes a token; it ends at once", DeleteAsync).AnswersNothing().InstallationWide();
    }

    private static ApiAnswer List(ApiRequest request) => ApiAnswer.Ok(
        request.Page.Cut(request.Snapshot.All(Keys.Tokens).Where(token => IsShownTo(request, token.Record)).Select(token => View(token.Record)), token => token.Name),
        ApiJson.Default.PageApiToken);

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.TokenCreate);
        var maker = Authentication.Of(request.Http)!;
        if (maker.IsToken) throw new ProblemException(
            ProblemKind.Denied, "token.byToken", "A token makes no tokens.", "Log in as a person, or use the local socket.");
        Check(request, body);
        var (role, scope) = (body.Role, body.Scope ?? Rights.EveryScope);
        if (role is { } asked && !maker.Rights.Contain(asked, scope)) throw new ProblemException(
            ProblemKind.Denied, "token.tooMuch", $"{maker.Subject} has not the role {asked} in scope {scope} and cannot hand it on.", "Ask for a role that you have there.");
        if (request.Snapshot.All(Keys.Tokens).Count(token => token.Record.User == MakerName(maker)) >= MostPerMaker)
            throw ProblemException.Conflict("token.tooMany", $"{maker.Subject} has {MostPerMaker} tokens already.", "Delete those that are no longer used.");
        string secret = Secret.NewToken(body.Name);
        var token = new TokenRecord
        {
            Name = body.Name,
            User = MakerName(maker),
            SecretSha256 = Secret.Hash(secret),
            InheritsRights = role is null,
            CreatedAt = time.GetUtcNow(),
            ExpiresAt = body.ExpiresAt,
        };
        var change = new StoreChange("token.create").Create(Keys.Tokens, token.Name, token);
        if (role is not null) BindingEndpoints.Put(change, Subjects.Token(token.Name), role.Value, scope);
        return await request.CommitAsync(
            change,
            ApiAnswer.Created(new TokenCreated { Token = View(token), Secret = secret }, ApiJson.Default.TokenCreated, ApiPaths.Of("tokens", token.Name, null)),
            Reference(token.Name));
    }

    private void Check(ApiRequest request, TokenCreate body)
    {
        var problems = new InputProblems();
        Names.CheckLabel(body.Name, "$.name", problems);
        if (body.ExpiresAt <= time.GetUtcNow()) problems.Add("$.expiresAt", "value.past", "Write a time that is still to come.");
        if (body.Scope is { } scope) BindingRules.CheckScope(request.Snapshot, scope, "$.scope", problems);
        if (body.Scope is not null && body.Role is null) problems.Add("$.scope", "role.missing", "A scope needs a role: write $.role too.");
        problems.ThrowIfAny();
        if (request.Snapshot.Get(Keys.Tokens, body.Name) is not null)
            throw ProblemException.Conflict("token.exists", $"There is a token '{body.Name}' already.", "Choose another name, or delete that one.");
    }

    private static async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var token = Find(request);
        var change = new StoreChange("token.delete").Delete(Keys.Tokens[token.Id], token.ModRevision);
        // A later token of the same name must not find this one's roles.
        foreach (var binding in request.Snapshot.All(Keys.Bindings).Where(binding => binding.Record.Subject == Subjects.Token(token.Id)))
            change.Delete(Keys.Bindings[binding.Id]);
        return await request.CommitAsync(change, ApiAnswer.NoContent(), Reference(token.Id));
    }

    private static CachedRecord<TokenRecord> Find(ApiRequest request)
    {
        string name = request.Route("token");
        var token = request.Snapshot.Get(Keys.Tokens, name);
        return token is not null && IsShownTo(request, token.Record) ? token : throw new ProblemException(
            ProblemKind.NotFound, "token.notFound", $"There is no token '{Suggestions.Shorten(name)}' of yours.", "List them with 'lamina token list'.");
    }

    /// <summary>A token that is no administrator sees only itself, not the others of its maker.</summary>
    private static bool IsShownTo(ApiRequest request, TokenRecord token)
    {
        var identity = Authentication.Of(request.Http)!;
        bool own = identity.IsToken ? identity.Subject == Subjects.Token(token.Name) : MakerName(identity) == token.User;
        return own || request.Caller.May(Permission.Administer, null);
    }

    private static string MakerName(Identity identity) => identity.User ?? identity.Subject;

    private static ApiToken View(TokenRecord token) =>
        new() { Id = token.Name, Name = token.Name, User = token.User, CreatedAt = token.CreatedAt, ExpiresAt = token.ExpiresAt };

    private static ObjectReference Reference(string name) => new() { Kind = "token", Id = name, Name = name };
}
