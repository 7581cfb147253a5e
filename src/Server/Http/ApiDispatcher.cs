using System.Diagnostics.CodeAnalysis;
using Lamina.Api.Input;
using Lamina.Server.Store;

namespace Lamina.Server.Http;

/// <summary>
/// What happens around every handler: permission, known query parameters, read-your-writes, idempotency, another attempt when overtaken,
/// and the answer. Failures pass through to <see cref="ProblemMiddleware"/>.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never taken, so nothing is held.")]
internal sealed class ApiDispatcher(ApiServices services)
{
    /// <summary>Handlers that are overtaken by other writers decide anew at most so often.</summary>
    private const int Attempts = 8;

    private static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(2);

    private readonly HostProxy _proxy = new(services);

    private readonly SemaphoreSlim _overtaken = new(1, 1);

    public async Task RunAsync(HttpContext http, EndpointDescription endpoint, Func<ApiRequest, ValueTask<ApiAnswer>> handler)
    {
        var request = await AdmitAsync(http, endpoint);
        if (await _proxy.TryCarryAsync(request)) return;
        var answer = await FindFormerAsync(request) ?? await AttemptAsync(request, handler);
        await request.WriteAsync(answer);
    }

    public async Task RunRawAsync(HttpContext http, EndpointDescription endpoint, Func<ApiRequest, Task> handler)
    {
        var request = await AdmitAsync(http, endpoint);
        if (!await _proxy.TryCarryAsync(request)) await handler(request);
    }

    private async ValueTask<ApiRequest> AdmitAsync(HttpContext http, EndpointDescription endpoint)
    {
        var caller = Caller.Of(http);
        string? project = endpoint.IsInstallationWide ? null : ProjectOf(http, endpoint, caller);
        if (project != "*") caller.Require(endpoint.Permission, project);
        CheckQueries(http, endpoint);
        await WaitForRevisionAsync(http);
        return new ApiRequest(http, endpoint, services);
    }

    /// <summary>The project whose permission counts; <c>*</c> lists what the caller may see, object by object.</summary>
    private static string ProjectOf(HttpContext http, EndpointDescription endpoint, Caller caller)
    {
        string project = http.Request.Query["project"].ToString();
        if (project.Length == 0) return Lamina.Api.ProjectRecord.DefaultProject;
        if (Names.IsLabel(project)) return project;
        if (project != "*" || !endpoint.IsRead) throw ApiRequest.BadQuery("project", "Write the name of one project.");
        caller.Require(Permission.SignedIn, null);
        return project;
    }

    private static void CheckQueries(HttpContext http, EndpointDescription endpoint)
    {
        var problems = new InputProblems();
        foreach (string name in http.Request.Query.Keys.Where(name => name != "project" && endpoint.Queries.All(known => known.Name != name)))
        {
            string known = string.Join(", ", endpoint.Queries.Select(query => query.Name).Prepend("project"));
            problems.Add($"?{Suggestions.Shorten(name)}", "query.unknown", $"There is no such parameter here; there are: {known}.");
        }

        problems.ThrowIfAny();
    }

    /// <summary>A client that names the revision of its own write is answered from a state that holds it (decision 15).</summary>
    private async ValueTask WaitForRevisionAsync(HttpContext http)
    {
        string wanted = http.Request.Headers[ApiHeaders.MinRevision].ToString();
        if (wanted.Length == 0) return;
        if (!StoreRevision.TryParse(wanted, out var revision)) throw new ProblemException(
            ProblemKind.Invalid, "revision.invalid", $"'{Suggestions.Shorten(wanted)}' is no revision.", $"Send what an answer's {ApiHeaders.Revision} said.");
        if (revision.Value.StoreId != services.Store.StoreId) throw new ProblemException(
            ProblemKind.Conflict, "revision.otherStore", "That revision belongs to another store: this one was restored or converted since.", "Read again without it.");
        if (!await services.Cache.WaitForRevisionAsync(revision.Value.Number, ReadPatience, http.RequestAborted)) throw new ProblemException(
            ProblemKind.Unavailable, "revision.notYet", $"Revision {wanted} has not arrived here within {ReadPatience.TotalSeconds} s.", "Try again.");
    }

    private async ValueTask<ApiAnswer?> FindFormerAsync(ApiRequest request)
    {
        if (!request.Endpoint.IsIdempotent || await Idempotency.FindAsync(request, services) is not var (former, revision)) return null;
        // The key is read from the store, what it made from the cache, which may be a moment behind.
        await services.Cache.WaitForRevisionAsync(revision, ReadPatience, request.Aborted);
        var now = request.Anew();
        var again = former.Operation is { } operation
            ? services.ShowOperation(now, operation)
            : request.Endpoint.ShowAgain?.Invoke(now, former.Target);
        return again ?? throw new ProblemException(
            ProblemKind.Conflict, "idempotency.gone", "What this Idempotency-Key made is gone since.", "Use a new key to make another one.");
    }

    private async ValueTask<ApiAnswer> AttemptAsync(ApiRequest request, Func<ApiRequest, ValueTask<ApiAnswer>> handler)
    {
        try
        {
            return await HandleAsync(request, handler);
        }
        catch (OvertakenException overtaken)
        {
            return await RepeatAsync(request, handler, overtaken);
        }
    }

    /// <summary>
    /// Those that were overtaken decide anew one after the other: many who want the same thing at once, the next free address for instance, would else overtake
    /// each other in every round.
    /// </summary>
    private async ValueTask<ApiAnswer> RepeatAsync(ApiRequest request, Func<ApiRequest, ValueTask<ApiAnswer>> handler, OvertakenException overtaken)
    {
        await _overtaken.WaitAsync(request.Aborted);
        try
        {
            for (int attempt = 2; ; attempt++)
            {
                await services.Cache.WaitForRevisionAsync(overtaken.Revision, ReadPatience, request.Aborted);
                if (await FindFormerAsync(request) is { } again) return again;
                request = request.Anew();
                try
                {
                    return await HandleAsync(request, handler);
                }
                catch (OvertakenException once) when (attempt < Attempts)
                {
                    overtaken = once;
                }
            }
        }
        finally
        {
            _overtaken.Release();
        }
    }

    private static async ValueTask<ApiAnswer> HandleAsync(ApiRequest request, Func<ApiRequest, ValueTask<ApiAnswer>> handler)
    {
        try
        {
            var answer = await handler(request);
            return request.Explain(null) is { } problems ? throw problems : answer;
        }
        catch (Exception failure) when (failure is not OvertakenException and not ProblemException { Kind: ProblemKind.Denied } && request.Explain(failure) is { } problems)
        {
            throw problems;
        }
    }
}
