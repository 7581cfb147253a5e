using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Events;

/// <summary><c>/v1/events</c>, as pages or as a stream, and <c>/v1/audit</c>.</summary>
internal sealed class EventEndpoints(ApiServices services)
{
    public void Map(ApiRoutes api)
    {
        api.Raw(HttpMethods.Get, "/v1/events", Permission.SignedIn, "Lists what happened, oldest first; or follows it as server-sent events", EventsAsync)
            .Paged()
            .Filtered("kind", "severity", "target", "operation")
            .Query("tail", "Only the newest so many, 1 to 1000; with a stream also 0: only what comes. Excludes cursor.")
            .Query("follow", "true: server-sent events, as with 'Accept: text/event-stream'. Last-Event-ID takes a stream up again.")
            .Answers(ApiJson.Default.PageEvent)
            .AnswersMedia("text/event-stream");
        api.Get("/v1/audit", Permission.Administer, "Lists who asked for what, oldest first", AuditAsync)
            .InstallationWide()
            .Paged()
            .Filtered("subject", "target", "action")
            .Query("tail", "Only the newest so many, 1 to 1000. Excludes cursor.")
            .Answers(ApiJson.Default.PageAuditEntry);
    }

    private async Task EventsAsync(ApiRequest request)
    {
        bool stream = request.QueryFlag("follow") || request.Http.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.Ordinal);
        if (stream) await new EventFeed(services, request, record => Shows(request, record)).RunAsync();
        else await request.WriteAsync(await PageAsync(request));
    }

    private async Task<ApiAnswer> PageAsync(ApiRequest request)
    {
        bool Wanted(Event record) => Shows(request, record);
        var page = request.QueryNumber("tail", 1, PageRequest.MaxLimit) is { } tail
            ? new Page<Event> { Items = await Timeline.TailAsync(services.Store, Keys.Events, tail, Wanted, request.Aborted) }
            : await Timeline.PageAsync(services.Store, Keys.Events, request.Page, Wanted, request.Aborted);
        return ApiAnswer.Ok(page, ApiJson.Default.PageEvent);
    }

    private async ValueTask<ApiAnswer> AuditAsync(ApiRequest request)
    {
        bool Wanted(AuditEntry entry) =>
            request.Passes("subject", entry.Subject) && request.Passes("action", entry.Action) && PassesTarget(request, entry.Target);
        var page = request.QueryNumber("tail", 1, PageRequest.MaxLimit) is { } tail
            ? new Page<AuditEntry> { Items = await Timeline.TailAsync(services.Store, Keys.Audit, tail, Wanted, request.Aborted) }
            : await Timeline.PageAsync(services.Store, Keys.Audit, request.Page, Wanted, request.Aborted);
        return ApiAnswer.Ok(page, ApiJson.Default.PageAuditEntry);
    }

    /// <summary>Events of the installation are shown beside those of the project asked for.</summary>
    private static bool Shows(ApiRequest request, Event record)
    {
        bool seen = record.Project == EventLog.Installation
            ? request.Caller.May(Permission.View, null)
            : (request.IsAllProjects || record.Project == request.Project) && request.Caller.May(Permission.View, record.Project);
        return seen
            && request.Passes("kind", record.Kind)
            && request.Passes("severity", record.Severity.ToString().ToLowerInvariant())
            && request.Passes("operation", record.Operation)
            && PassesTarget(request, record.Target);
    }

    private static bool PassesTarget(ApiRequest request, ObjectReference? target) =>
        request.Query("target") is null || request.Passes("target", target?.Name) || request.Passes("target", target?.Id);
}
