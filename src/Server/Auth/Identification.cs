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

    /// <summary>The identity of a subject that another member has found out already, with the rights that it has by this host's records.</summary>
    /// <param name="snapshot">Not older than what that member decided on.</param>
    /// <param name="subject">As <see cref="Identity.Subject"/>.</param>
    /// <param name="session">Id of its session; null: none.</param>
    /// <param name="now">Of expiries.</param>
    /// <returns>Null: there is no such subject any more.</returns>
    public static Identity? Identify(CacheSnapshot snapshot, string subject, string? session, DateTimeOffset now)
    {
        if (subject.StartsWith(Subjects.LocalPrefix, StringComparison.Ordinal)) return new Identity(subject, Rights.LocalAdministrator(subject));
        if (subject.StartsWith(Subjects.TokenPrefix, StringComparison.Ordinal))
        {
            string token = subject[Subjects.TokenPrefix.Length..];
            return RightsOfToken(snapshot, token, now) is { } rights && snapshot.Get(Keys.Tokens, token)?.Record is { } record
                ? new Identity(subject, rights) { User = IsMadeLocally(record) ? null : record.User }
                : null;
        }

        if (session is null || snapshot.Get(Keys.Sessions, session)?.Record is not { } known || Subjects.User(known.User) != subject) return null;
        return OfSession(snapshot, new Credential.Session(session), now);
    }

    /// <summary>The rights of an identity found earlier, as they are now; none when its session, token or user has ended.</summary>
    public static Rights RightsNow(CacheSnapshot snapshot, Identity identity, DateTimeOffset now)
    {
        if (identity.IsToken) return RightsOfToken(snapshot, identity.Subject[Subjects.TokenPrefix.Length..], now) ?? Rights.None;
        if (identity.User is not { } user) return identity.Rights;
        bool loggedOut = identity.Session is var (id, _) && snapshot.Get(Keys.Sessions, id) is null;
        return loggedOut ? Rights.None : RightsOfUser(snapshot, user);
    }

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
        if (snapshot.Get(Keys.Tokens, token.Name)?.Record is not { } record || !Secret.HashesEqual(record.SecretSha256, token.Hash)) return null;
        if (RightsOfToken(snapshot, token.Name, now) is not { } rights) return null;
        return new Identity(Subjects.Token(token.Name), rights) { User = IsMadeLocally(record) ? null : record.User };
    }

    /// <summary>Null: the token is unknown or expired, or its maker disabled.</summary>
    private static Rights? RightsOfToken(CacheSnapshot snapshot, string name, DateTimeOffset now)
    {
        if (snapshot.Get(Keys.Tokens, name)?.Record is not { } record || record.ExpiresAt <= now) return null;
        if (!IsMadeLocally(record) && !IsActive(snapshot, record.User)) return null;
        var maker = IsMadeLocally(record) ? Rights.LocalAdministrator(record.User) : RightsOfUser(snapshot, record.User);
        var own = BindingsOf(snapshot, Subjects.Token(name));
        return own.Count == 0 && record.InheritsRights ? maker : new Rights(own, maker);
    }

    private static bool IsMadeLocally(TokenRecord token) => token.User.StartsWith(Subjects.LocalPrefix, StringComparison.Ordinal);

    private static bool IsActive(CacheSnapshot snapshot, string user) => snapshot.Get(Keys.Users, user)?.Record is { Disabled: false };

    private static IReadOnlyList<RoleBinding> BindingsOf(CacheSnapshot snapshot, string subject) =>
        [.. snapshot.All(Keys.Bindings).Where(binding => binding.Record.Subject == subject).Select(binding => binding.Record)];
}
