namespace Lamina.Server.Http;

/// <summary>Outermost: gives each request its id, turns failures into problem answers, and logs one line per request without bodies or queries.</summary>
internal sealed partial class ProblemMiddleware(TimeProvider time, ILogger<ProblemMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        string id = RequestIds.Assign(http);
        using var scope = logger.BeginScope($"request {id}");
        long began = time.GetTimestamp();
        try
        {
            await next(http);
            if (http.Response is { HasStarted: false, ContentLength: null, ContentType: null, StatusCode: 404 or 405 or 415 })
                await ProblemAnswers.WriteAsync(http, ProblemAnswers.OfStatus(http.Response.StatusCode, http.Request, id));
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client went away: nobody is left to tell.
        }
        catch (Exception failure)
        {
            await AnswerAsync(http, failure, id);
        }

        LogRequest(logger, http.Request.Method, http.Request.Path.Value, http.Response.StatusCode, time.GetElapsedTime(began).TotalMilliseconds, Caller.Of(http).Subject, id);
    }

    private async Task AnswerAsync(HttpContext http, Exception failure, string id)
    {
        var problem = ProblemAnswers.Of(failure, id);
        if (problem.Status >= StatusCodes.Status500InternalServerError) LogFailure(logger, http.Request.Method, http.Request.Path.Value, id, failure);
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }

        http.Response.Clear();
        http.Response.Headers[RequestIds.Header] = id;
        await ProblemAnswers.WriteAsync(http, problem);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Method} {Path} {Status} {Milliseconds:0.0} ms {Subject} {RequestId}")]
    private static partial void LogRequest(ILogger logger, string method, string? path, int status, double milliseconds, string subject, string requestId);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed, request {RequestId}")]
    private static partial void LogFailure(ILogger logger, string method, string? path, string requestId, Exception failure);
}
