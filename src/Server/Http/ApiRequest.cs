using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Http;

/// <summary>A request as handlers see it.</summary>
internal sealed class ApiRequest(HttpContext http, EndpointDescription endpoint, ApiServices services)
{
    private byte[]? _body;
    private IReadOnlyList<InputProblem> _problems = [];

    /// <summary>For streams and uploads; others need it seldom.</summary>
    public HttpContext Http { get; } = http;

    public EndpointDescription Endpoint { get; } = endpoint;

    public Caller Caller { get; } = Caller.Of(http);

    /// <summary>Id of the host that answers.</summary>
    public string HostId { get; } = services.HostId;

    /// <summary>Stands in answers, log and audit.</summary>
    public string Id { get; } = RequestIds.Of(http);

    /// <summary>The state that this request decides on: taken once, so that a handler sees one revision.</summary>
    public CacheSnapshot Snapshot { get; } = services.Cache.Snapshot;

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>The project of the request, <c>?project=</c>, else <c>default</c>. <c>*</c> is every project, for lists.</summary>
    public string Project { get; } = http.Request.Query["project"].ToString() is { Length: > 0 } named ? named : ProjectRecord.DefaultProject;

    public bool IsAllProjects => Project == "*";

    /// <summary>True when lists of this request show objects of this project.</summary>
    public bool Shows(string project) => IsAllProjects ? Caller.May(Endpoint.Permission, project) : project == Project;

    /// <summary>A part of the path; an image's slash, sent as <c>%2F</c>, is one here.</summary>
    public string Route(string name) =>
        ((string)Http.Request.RouteValues[name]!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    /// <summary>A query parameter; null when absent or empty.</summary>
    public string? Query(string name) => Http.Request.Query[name].ToString() is { Length: > 0 } value ? value : null;

    /// <summary>Null: not asked for.</summary>
    /// <exception cref="InputException">Neither true nor false.</exception>
    public bool QueryFlag(string name) => Query(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw BadQuery(name, "Write true or false."),
    };

    /// <summary>A whole number within bounds.</summary>
    /// <exception cref="InputException">It is none, or out of bounds.</exception>
    public int? QueryNumber(string name, int least, int most)
    {
        if (Query(name) is not { } text) return null;
        return int.TryParse(text, System.Globalization.NumberStyles.None, null, out int number) && number >= least && number <= most
            ? number
            : throw BadQuery(name, $"Write a whole number from {least} to {most}.");
    }

    public PageRequest Page => PageRequest.Of(this);

    /// <summary>True when the value is one of the words of the query parameter, or that is absent.</summary>
    public bool Passes(string filter, string? value) => Filter.Passes(Query(filter), value);

    /// <summary>True when one of the values is.</summary>
    public bool PassesAny(string filter, IReadOnlyList<string> values) => Filter.PassesAny(Query(filter), values);

    /// <summary>The body, checked strictly: every problem is reported at once.</summary>
    /// <exception cref="InputException">All problems of the body.</exception>
    public async ValueTask<T> BodyAsync<T>(JsonTypeInfo<T> type)
        where T : class => InputReader.Read(await NodesAsync(), type);

    /// <summary>
    /// The body for a handler whose only effect is <see cref="CommitAsync"/>. When it has problems, what can be read of it is given, so that the
    /// room's rules find the rest of them; the request then fails with all of them together, whatever the handler does.
    /// </summary>
    /// <exception cref="InputException">Too little of it can be read.</exception>
    public async ValueTask<T> DraftAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        var nodes = await NodesAsync();
        _problems = ProblemsOf(nodes, type);
        return _problems.Count == 0
            ? InputReader.Read(nodes, type)
            : InputMender.TryRead(nodes, type) ?? throw new InputException(_problems);
    }

    /// <summary>
    /// Applies the body as a merge patch (RFC 7396) to the members that <typeparamref name="T"/> allows to change. The patch and its outcome
    /// are both checked strictly. As with <see cref="DraftAsync"/>, the handler's only effect must be <see cref="CommitAsync"/>.
    /// </summary>
    /// <param name="current">The changeable members as they are.</param>
    /// <param name="type">Description of the update record.</param>
    /// <returns>All changeable members as they shall be; a member taken back to its default is null.</returns>
    public async ValueTask<T> PatchAsync<T>(T current, JsonTypeInfo<T> type)
        where T : class
    {
        var patch = await NodesAsync();
        _problems = ProblemsOf(patch, type);
        if (_problems.Count > 0) patch = WithoutProblems(patch, type) ?? throw new InputException(_problems);
        return InputReader.Read(MergePatch.Apply(JsonSerializer.SerializeToNode(current, type), patch), type);
    }

    /// <summary>The body as it came, read once and bounded.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> RawBodyAsync() =>
        _body ??= await BodyReader.ReadAsync(Http.Request, Endpoint.MaxBodyBytes ?? EndpointDescription.DefaultBodyBytes, Aborted);

    /// <summary>A member of the body, before it is checked; null: there is none that is a text.</summary>
    public async ValueTask<string?> PeekAsync(string member)
    {
        try
        {
            return JsonNode.Parse((await RawBodyAsync()).Span) is JsonObject body && body[member] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
        }
        catch (JsonException)
        {
            return null; // the handler says what is wrong with it
        }
    }

    /// <summary>The body, if it was read already; null: it still comes.</summary>
    internal byte[]? BufferedBody => _body;

    /// <summary>Where an object is made: the project in the body, which must not contradict <c>?project=</c>.</summary>
    /// <exception cref="ProblemException">The caller may not do this there, or there is no such project.</exception>
    public string ProjectFor(string? bodyProject)
    {
        string project = bodyProject ?? Project;
        if (Query("project") is { } queried && queried != project)
            throw new InputException([new InputProblem { Path = "$.project", Code = "project.contradiction", Message = $"The body says '{project}' and ?project= says '{queried}': name one." }]);
        Caller.Require(Endpoint.Permission, project);
        if (project != ProjectRecord.DefaultProject && Snapshot.Get(Keys.Projects, project) is null) throw new ProblemException(
            ProblemKind.NotFound, "project.notFound", $"There is no project '{Suggestions.Shorten(project)}'.", "Create it first: 'lamina project create NAME'.");
        return project;
    }

    /// <summary>Obeys If-Match against the spec's revision.</summary>
    /// <exception cref="ProblemException">412: it was changed meanwhile.</exception>
    public void RequireMatch(CachedRecord spec)
    {
        string wanted = Http.Request.Headers.IfMatch.ToString();
        if (wanted.Length == 0 || wanted == "*" || wanted.Split(',').Any(tag => tag.Trim() == ETag(spec.ModRevision))) return;
        throw new ProblemException(ProblemKind.PreconditionFailed, "etag.mismatch", "It was changed since you read it.", "Read it again, and change what is there now.");
    }

    public string ETag(long revision) => $"\"{RevisionText(revision)}\"";

    public string RevisionText(long revision) => new StoreRevision(services.Store.StoreId, revision).ToString();

    /// <summary>
    /// Commits a handler's change together with its audit entry and its Idempotency-Key, and completes the answer by the revision. When
    /// somebody else was faster, the dispatcher runs the handler again on the newer state: a handler has no effect but this commit.
    /// </summary>
    /// <param name="change">What to write.</param>
    /// <param name="answer">What to say. A 200 or 201 shows the spec just written.</param>
    /// <param name="target">What it is done to, for the audit.</param>
    /// <exception cref="ProblemException">A name is taken.</exception>
    /// <exception cref="OvertakenException">For the dispatcher.</exception>
    public async ValueTask<ApiAnswer> CommitAsync(StoreChange change, ApiAnswer answer, ObjectReference? target = null)
    {
        if (_problems.Count > 0) throw new InputException(_problems);
        if (Endpoint.IsIdempotent && target is not null) await Idempotency.RememberAsync(this, change, target, answer, services);
        services.OnCommit(this, change, target, answer.Status);
        var result = await change.CommitAsync(services.Store, services.Time, Aborted);
        if (!result.Succeeded) throw Conflicts.Explain(result);
        bool showsSpec = answer.Status is StatusCodes.Status200OK or StatusCodes.Status201Created;
        return answer with { Revision = result.Revision, SpecRevision = showsSpec ? result.Revision : null };
    }

    /// <summary>Writes an answer; only raw handlers call it themselves.</summary>
    public async Task WriteAsync(ApiAnswer answer)
    {
        var response = Http.Response;
        response.StatusCode = answer.Status;
        if (answer.Location is not null) response.Headers.Location = answer.Location;
        if (answer.SpecRevision is { } spec) response.Headers.ETag = ETag(spec);
        if (answer.Revision is { } written) response.Headers[ApiHeaders.Revision] = RevisionText(written);
        else if (Endpoint.IsRead) response.Headers[ApiHeaders.Revision] = RevisionText(Snapshot.Revision);
        if (services.Cache.IsStale) response.Headers[ApiHeaders.Stale] = "true";
        if (answer.Body is null) return;
        response.ContentType = "application/json";
        // Into the server's own small blocks: a list may have some MB, and pieces of that size make the collector stop everything.
        AnswerJson.Write(response.BodyWriter, answer.Body, answer.BodyType!);
        await response.BodyWriter.FlushAsync(Aborted);
    }

    /// <summary>What is thrown instead of a handler's failure when the body had problems; null: the failure stands.</summary>
    internal InputException? Explain(Exception? failure)
    {
        if (_problems.Count == 0) return null;
        return new InputException(failure is InputException rules && !ReferenceEquals(rules.Problems, _problems)
            ? InputMender.Join(_problems, rules.Problems)
            : _problems);
    }

    /// <summary>The same request on the newest state.</summary>
    internal ApiRequest Anew() => new(Http, Endpoint, services) { _body = _body };

    internal static InputException BadQuery(string name, string message) =>
        new([new InputProblem { Path = $"?{name}", Code = "value.invalid", Message = message }]);

    private static IReadOnlyList<InputProblem> ProblemsOf(JsonNode? nodes, JsonTypeInfo type)
    {
        var problems = new InputProblems();
        InputChecker.Check(nodes, type, "$", problems);
        return problems.Found;
    }

    private static JsonNode? WithoutProblems<T>(JsonNode? patch, JsonTypeInfo<T> type)
        where T : class => InputMender.TryRead(patch, type) is { } readable ? JsonSerializer.SerializeToNode(readable, type) : null;

    private async ValueTask<JsonNode?> NodesAsync()
    {
        var body = await RawBodyAsync();
        if (body.IsEmpty && Endpoint.BodyIsOptional) return new JsonObject();
        return InputReader.Parse(body.Span);
    }
}
