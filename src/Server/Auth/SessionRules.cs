using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Auth;

/// <summary>How long sessions live. Using one moves its end on, up to a bound; the move is written at most hourly.</summary>
internal static class SessionRules
{
    public static readonly TimeSpan Idle = TimeSpan.FromHours(24);
    public static readonly TimeSpan Longest = TimeSpan.FromDays(30);
    public static readonly TimeSpan RenewalGrain = TimeSpan.FromHours(1);

    /// <summary>A user's oldest sessions end when there are more: scripts that log in each time must not fill the store.</summary>
    public const int MostPerUser = 32;

    /// <summary>How much of a session's key names it: it is not told whole, though nobody could log in with it.</summary>
    public const int IdLength = 16;

    public static string IdOf(string key) => key.Length <= IdLength ? key : key[..IdLength];

    /// <summary>The sessions that somebody may see and end, those that are over left out.</summary>
    /// <param name="snapshot">Everything on record.</param>
    /// <param name="user">Whose; null: everybody's.</param>
    /// <param name="now">The present time.</param>
    public static IEnumerable<CachedRecord<SessionRecord>> Lasting(CacheSnapshot snapshot, string? user, DateTimeOffset now) =>
        snapshot.All(Keys.Sessions).Where(session => session.Record.ExpiresAt > now && (user is null || session.Record.User == user));

    public static DateTimeOffset EndFor(DateTimeOffset createdAt, DateTimeOffset now) =>
        now + Idle < createdAt + Longest ? now + Idle : createdAt + Longest;

    public static bool ShouldRenew(SessionRecord session, DateTimeOffset now) =>
        EndFor(session.CreatedAt, now) - session.ExpiresAt >= RenewalGrain;

    /// <summary>The sessions that make room for one more of this user.</summary>
    public static IReadOnlyList<CachedRecord<SessionRecord>> Surplus(CacheSnapshot snapshot, string user)
    {
        var own = OfUser(snapshot, user);
        return [.. own.OrderBy(session => session.Record.ExpiresAt).Take(Math.Max(0, own.Count - MostPerUser + 1))];
    }

    public static IReadOnlyList<CachedRecord<SessionRecord>> OfUser(CacheSnapshot snapshot, string user) =>
        [.. snapshot.All(Keys.Sessions).Where(session => session.Record.User == user)];
}
