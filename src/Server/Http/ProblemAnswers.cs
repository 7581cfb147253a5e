using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Store;
using Microsoft.AspNetCore.WebUtilities;

namespace Lamina.Server.Http;

/// <summary>The one place where failures become answers (RFC 9457).</summary>
internal static class ProblemAnswers
{
    public const string MediaType = "application/problem+json";

    public static Problem Of(Exception failure, string requestId) => failure switch
    {
        ProblemException problem => Make(StatusOf(problem.Kind), problem.Code, problem.Message, problem.Remedy, requestId),
        InputException input => Make(StatusCodes.Status400BadRequest, "input.invalid", "The input has problems.", "Mend what is listed under 'problems'.", requestId) with
        {
            Problems = input.Problems,
        },
        OvertakenException => Make(StatusCodes.Status409Conflict, "conflict.busy", "Others change this all the time.", "Try again.", requestId),
        StoreOutcomeUnknownException unknown => Make(
            StatusCodes.Status503ServiceUnavailable, "store.outcomeUnknown", $"The store did not say whether this was written: {unknown.Message}", "Look whether it was done, and only else ask again.", requestId),
        StoreUnavailableException away => Make(
            StatusCodes.Status503ServiceUnavailable, "store.unavailable", $"Nothing was changed, because the store cannot be written: {away.Message}", "Guests run on. See 'lamina doctor'; then try again.", requestId),
        BadHttpRequestException bad => Make(bad.StatusCode, "request.bad", bad.Message, null, requestId),
        _ => Make(
            StatusCodes.Status500InternalServerError, "internal", "The daemon failed at this request; its log says more.", $"Look for {requestId} in the daemon's log.", requestId),
    };

    /// <summary>What routing refused: no such path, or not with this method.</summary>
    public static Problem OfStatus(int status, HttpRequest request, string requestId) => status switch
    {
        StatusCodes.Status405MethodNotAllowed => Make(status, "method.notAllowed", $"{request.Method} is not possible on {request.Path}.", "See /openapi/v1.json.", requestId),
        StatusCodes.Status404NotFound => Make(status, "path.notFound", $"There is nothing at {request.Path}.", "See /openapi/v1.json.", requestId),
        StatusCodes.Status415UnsupportedMediaType => Make(status, "body.mediaType", $"The body is '{request.ContentType}', not JSON.", "Send JSON with 'Content-Type: application/json'.", requestId),
        _ => Make(status, "request.refused", "The request was refused.", null, requestId),
    };

    public static async Task WriteAsync(HttpContext http, Problem problem)
    {
        http.Response.StatusCode = problem.Status;
        http.Response.ContentType = MediaType;
        if (problem.Status == StatusCodes.Status401Unauthorized) http.Response.Headers.WWWAuthenticate = "Bearer";
        if (problem.Status == StatusCodes.Status503ServiceUnavailable) http.Response.Headers.RetryAfter = "1";
        await http.Response.Body.WriteAsync(AnswerJson.Write(problem, ApiJson.Default.Problem), http.RequestAborted);
    }

    public static int StatusOf(ProblemKind kind) => kind switch
    {
        ProblemKind.Invalid => StatusCodes.Status400BadRequest,
        ProblemKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        ProblemKind.Denied => StatusCodes.Status403Forbidden,
        ProblemKind.NotFound => StatusCodes.Status404NotFound,
        ProblemKind.Conflict => StatusCodes.Status409Conflict,
        ProblemKind.PreconditionFailed => StatusCodes.Status412PreconditionFailed,
        ProblemKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        ProblemKind.UnsupportedMedia => StatusCodes.Status415UnsupportedMediaType,
        ProblemKind.Unprocessable => StatusCodes.Status422UnprocessableEntity,
        ProblemKind.TooManyRequests => StatusCodes.Status429TooManyRequests,
        ProblemKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
        ProblemKind.NoSpace => StatusCodes.Status507InsufficientStorage,
        _ => StatusCodes.Status500InternalServerError,
    };

    private static Problem Make(int status, string code, string message, string? remedy, string requestId) => new()
    {
        Title = ReasonPhrases.GetReasonPhrase(status),
        Status = status,
        Detail = message,
        Code = code,
        Remedy = remedy,
        RequestId = requestId,
    };
}
