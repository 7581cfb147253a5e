using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Auth;

/// <summary>Moves the ends of used sessions on, beside the request, and sweeps ended ones.</summary>
internal sealed partial class SessionUpkeep(IStore store, Cache cache, TimeProvider time, ILogger<SessionUpkeep> logger)
{
    private const int SweptAtOnce = 100;

    private readonly ConcurrentDictionary<string, byte> _renewing = new(StringComparer.Ordinal);

    /// <summary>Called with each request of a session; nearly always does nothing. Never waits for the store.</summary>
    public void Used(string id, SessionRecord session)
    {
        if (!SessionRules.ShouldRenew(session, time.GetUtcNow()) || !_renewing.TryAdd(id, 0)) return;
        _ = Task.Run(() => RenewAsync(id));
    }

    /// <summary>Removes sessions that have ended.</summary>
    public async Task<SweepReport> SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var chunk in cache.Snapshot.All(Keys.Sessions).Where(session => session.Record.ExpiresAt <= now).Chunk(SweptAtOnce))
        {
            var change = new StoreChange("session.sweep");
            foreach (var session in chunk) change.Delete(Keys.Sessions[session.Id]);
            await change.CommitAsync(store, time, cancellationToken);
        }

        return SweepReport.Nothing;
    }

    private async Task RenewAsync(string id)
    {
        try
        {
            if (cache.Snapshot.Get(Keys.Sessions, id) is not { } session) return;
            var now = time.GetUtcNow();
            var renewed = session.Record with { ExpiresAt = SessionRules.EndFor(session.Record.CreatedAt, now) };
            var commit = await new StoreChange("session.renew").Update(Keys.Sessions, id, renewed, session.ModRevision).CommitAsync(store, time);
            // Until the cache has it, the next request would renew again. A conflict means that it was logged out: nothing to do.
            await cache.WaitForRevisionAsync(commit.Revision, TimeSpan.FromSeconds(5));
        }
        catch (Exception failure) when (failure is IOException)
        {
            LogNotRenewed(logger, failure);
        }
        finally
        {
            _renewing.TryRemove(id, out _);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A session's end could not be moved on; its next request tries again")]
    private static partial void LogNotRenewed(ILogger logger, Exception failure);
}
