using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Consoles;

/// <summary>Whether who opened a console may still use it.</summary>
internal sealed class ConsoleAccess(Cache cache, TimeProvider time)
{
    public bool IsAllowed(ConsoleGrant grant) => IsAllowed(cache.Snapshot, grant);

    /// <summary>Completes when the right is lost: by a log-out, a disabled user, a deleted token, a role taken back.</summary>
    public async Task LostAsync(ConsoleGrant grant, CancellationToken cancellationToken)
    {
        using var subscription = cache.Subscribe(Keys.Users, Keys.Sessions, Keys.Tokens, Keys.Bindings);
        if (!IsAllowed(subscription.Start, grant)) return;
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            if (!IsAllowed(batch.Snapshot, grant)) return;
        }
    }

    private bool IsAllowed(CacheSnapshot snapshot, ConsoleGrant grant) =>
        Identification.RightsNow(snapshot, grant.Identity, time.GetUtcNow()).Allow(Permission.Operate, grant.Project);
}
