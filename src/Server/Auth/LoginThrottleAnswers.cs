using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary>How a log-in that came too early is answered.</summary>
internal static class LoginThrottleAnswers
{
    /// <exception cref="ProblemException">429 with Retry-After.</exception>
    public static void Require(this LoginThrottle throttle, ApiRequest request, string user)
    {
        var wait = throttle.Begin(user, request.Http.Connection.RemoteIpAddress);
        if (wait == TimeSpan.Zero) return;
        int seconds = (int)Math.Ceiling(wait.TotalSeconds);
        // The headers of failures are cleared, so it is added last.
        request.Http.Response.OnStarting(() =>
        {
            request.Http.Response.Headers.RetryAfter = seconds.ToString();
            return Task.CompletedTask;
        });
        throw new ProblemException(ProblemKind.TooManyRequests, "auth.throttled", "Too many log-ins failed.", $"Try again in {seconds} s.");
    }
}
