namespace Lamina.Api.Client;

/// <summary>
/// Whether a failed request is made again. Only what the server can tell from a repetition is: reads, and creations with an
/// Idempotency-Key. It covers a restart of the daemon (under a second), not an outage.
/// </summary>
internal static class RetryPlan
{
    public const int Attempts = 5;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    public static bool IsRepeatable(HttpMethod method, bool hasIdempotencyKey) =>
        method == HttpMethod.Get || method == HttpMethod.Head || (method == HttpMethod.Post && hasIdempotencyKey);

    /// <summary>The pause before the next attempt; null: give up.</summary>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="statusCode">What it was answered with; null: the line broke.</param>
    /// <param name="retryAfter">What the server asked for.</param>
    public static TimeSpan? PauseAfter(int attempt, int? statusCode, TimeSpan? retryAfter)
    {
        if (attempt >= Attempts || statusCode is not (null or 503)) return null;
        if (retryAfter is { } asked) return asked <= LongestPause ? asked : null;
        var pause = FirstPause * Math.Pow(2, attempt - 1);
        return pause < LongestPause ? pause : LongestPause;
    }
}
