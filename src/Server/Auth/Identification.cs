using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Auth;

/// <summary>
/// Finds who a credential belongs to, from the cache alone: a request costs no read of the store, and a disabled user, a deleted token or
/// a changed role holds from the revision at which it was written.
/// </summary>
internal static class Identification
{
    /// <summary>Null when the credential is unknown, expired, or its user disabled: why is not for the caller to learn.</summary>
    public static Identity? Identify(CacheSnapshot snapshot, Credential credential, DateTimeOffset now) => credential switch
    {
        Credential.Session session => OfSession(snapshot, session, now),
        Credential.Token token => OfToken(snapshot, token, now),
        _ => null,
    };

    /// <summary>The rights of a user as they are now; none when unknown or disabled.</summary>
    public static Rights RightsOfUser(CacheSnapshot snapshot, string name) =>
        IsActive(snapshot, name) ? new Rights(BindingsOf(snapshot, Subjects.User(name))) : Rights.None;

    private static Identity? OfSession(CacheSnapshot snapshot, Credential.Session session, DateTimeOffset now)
    {
        if (snapshot.Get(Keys.Sessions, session.Hash)?.Record is not { } record || record.ExpiresAt <= now) return null;
        if (!IsActive(snapshot, record.User)) return null;
        return new Identity(Subjects.User(record.User), RightsOfUser(snapshot, record.User))
        {
            Session = (session.Hash, record),
            User = record.User,
        };
    }

    private static Identity? OfToken(CacheSnapshot snapshot, Credential.Token token, DateTimeOffset now)
    {
        if (snapshot.Get(Keys.Tokens, token.Name)?.Record is not { } record) return null;
        if (!Secret.HashesEqual(record.SecretSha256, token.Hash) || record.ExpiresAt <= now) return null;
        bool madeLocally = record.User.StartsWith(Subjects.LocalPrefix, StringComparison.Ordinal);
        if (!madeLocally && !IsActive(snapshot, record.User)) return null;
        var maker = madeLocally ? Rights.LocalAdministrator(record.User) : RightsOfUser(snapshot, record.User);
        var own = BindingsOf(snapshot, Subjects.Token(token.Name));
        return new Identity(Subjects.Token(token.Name), own.Count == 0 && record.InheritsRights ? maker : new Rights(own, maker))
        {
            User = madeLocally ? null : record.User,
        };
    }

    private static bool IsActive(CacheSnapshot snapshot, string user) => snapshot.Get(Keys.Users, user)?.Record is { Disabled: false };

    private static IReadOnlyList<RoleBinding> BindingsOf(CacheSnapshot snapshot, string subject) =>
        [.. snapshot.All(Keys.Bindings).Where(binding => binding.Record.Subject == subject).Select(binding => binding.Record)];
}
