using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;

namespace Lamina.Tests.Unit.Auth;

/// <summary>Builds a state of users, sessions, tokens and bindings.</summary>
internal sealed class AuthWorld
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<CacheChange> _changes = [];

    public CacheSnapshot Snapshot => CacheSnapshot.Empty(Keys.Cached).With(1, _changes);

    public AuthWorld User(string name, bool disabled = false) =>
        Add(Keys.Users, name, new UserRecord { Name = name, Disabled = disabled });

    public AuthWorld Bound(string subject, Role role, string scope = "*") =>
        Add(Keys.Bindings, BindingRules.IdOf(subject, scope), new RoleBinding { Subject = subject, Role = role, Scope = scope });

    public AuthWorld Session(string user, string secret, DateTimeOffset? expiresAt = null) => Add(
        Keys.Sessions, Secret.Hash(secret), new SessionRecord { User = user, CreatedAt = Now, ExpiresAt = expiresAt ?? Now.AddHours(1) });

    public AuthWorld Token(string name, string user, string secret, bool inherits = false, DateTimeOffset? expiresAt = null) => Add(Keys.Tokens, name, new TokenRecord
    {
        Name = name,
        User = user,
        SecretSha256 = Secret.Hash(secret),
        InheritsRights = inherits,
        CreatedAt = Now,
        ExpiresAt = expiresAt,
    });

    private AuthWorld Add<T>(RecordKind<T> kind, string id, T record)
        where T : StoredRecord
    {
        _changes.Add(new CacheChange(kind, id, null, new CachedRecord<T>(id, record, 1, 1)));
        return this;
    }
}
