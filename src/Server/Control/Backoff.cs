namespace Lamina.Server.Control;

/// <summary>How long to wait before the next attempt: doubling, bounded, spread so that many do not come at once.</summary>
internal static class Backoff
{
    /// <param name="failures">In a row, from 1.</param>
    /// <param name="first">Before the second attempt, at the most.</param>
    /// <param name="longest">Never more than this.</param>
    /// <param name="chance">0 to 1: where in the upper half of the delay.</param>
    public static TimeSpan Delay(int failures, TimeSpan first, TimeSpan longest, double chance)
    {
        double whole = Math.Min(first.TotalSeconds * Math.Pow(2, Math.Min(failures, 40) - 1), longest.TotalSeconds);
        return TimeSpan.FromSeconds(whole * (0.5 + (0.5 * Math.Clamp(chance, 0, 1))));
    }
}
