using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>A person. Key <c>users/&lt;id&gt;</c>; the password hash never leaves the store.</summary>
public sealed record User
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public bool Disabled { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

public sealed record UserRecord : StoredRecord
{
    public required string Name { get; init; }
    public string? PasswordHash { get; init; }
    public bool Disabled { get; init; }

    /// <summary>The password is the one that the first start made and showed.</summary>
    public bool FirstPassword { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Body of <c>POST /v1/users</c>. With a role, the user is bound to it at once.</summary>
public sealed record UserCreate
{
    public required string Name { get; init; }

    /// <summary>At least 12 characters; kept only as a hash.</summary>
    public required string Password { get; init; }
    public Role? Role { get; init; }

    /// <summary>Where the role holds: a project, or <c>*</c> (default) for all.</summary>
    public string? Scope { get; init; }
}

/// <summary>Body of <c>PATCH /v1/users/{name}</c>. Disabling ends the user's sessions and tokens at once.</summary>
public sealed record UserUpdate
{
    public bool? Disabled { get; init; }
}

/// <summary>Body of <c>POST /v1/users/{name}/password</c>; ends the user's other sessions.</summary>
public sealed record PasswordChange
{
    /// <summary>Needed to change one's own; an administrator sets others' without it.</summary>
    public string? Current { get; init; }
    public required string Password { get; init; }
}

/// <summary>Body of <c>POST /v1/sessions</c>: logs in.</summary>
public sealed record SessionCreate
{
    public required string User { get; init; }
    public required string Password { get; init; }

    /// <summary>For a browser: the token is given as a cookie that no script can read, and not in the answer.</summary>
    public bool Cookie { get; init; }
}

/// <summary>The answer to a log-in: the bearer token is shown this once.</summary>
public sealed record SessionCreated
{
    /// <summary>Null: it is in a cookie.</summary>
    public string? Token { get; init; }
    public required string User { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A log-in that has not ended.</summary>
public sealed record Session
{
    /// <summary>The beginning of the SHA-256 of its token: names the session, and opens nothing.</summary>
    public required string Id { get; init; }
    public required string User { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Moves on while the session is used.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>It is the one that asks.</summary>
    public required bool Current { get; init; }
}

/// <summary>Key <c>sessions/&lt;id&gt;</c>, where the id is the SHA-256 of the token.</summary>
public sealed record SessionRecord : StoredRecord
{
    public required string User { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Moves on while the session is used, but never beyond 30 days after <see cref="CreatedAt"/>.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A token for programs. The secret part is shown once, at creation; the store keeps its SHA-256.</summary>
public sealed record ApiToken
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string User { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>Body of <c>POST /v1/tokens</c>. Whatever is asked, a token never has more rights than its maker has at the time of use.</summary>
public sealed record TokenCreate
{
    public required string Name { get; init; }

    /// <summary>Null: the maker's own rights, wherever they hold.</summary>
    public Role? Role { get; init; }

    /// <summary>A project, or <c>*</c> (default) for all; only together with a role.</summary>
    public string? Scope { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}

public sealed record TokenCreated
{
    public required ApiToken Token { get; init; }
    public required string Secret { get; init; }
}

/// <summary>Key <c>tokens/&lt;id&gt;</c>.</summary>
public sealed record TokenRecord : StoredRecord
{
    public required string Name { get; init; }

    /// <summary>Its maker: a user's name, or <c>local:UID</c> when it was made over the local socket.</summary>
    public required string User { get; init; }
    public required string SecretSha256 { get; init; }

    /// <summary>It was made without a role of its own and has its maker's rights. Otherwise it has only what is bound to it.</summary>
    public bool InheritsRights { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>viewer reads; operator also uses and changes VMs, disks, images, ISOs; admin does everything.</summary>
[JsonConverter(typeof(CamelCaseEnum<Role>))]
public enum Role
{
    Viewer,
    Operator,
    Admin,
}

/// <summary>Key <c>bindings/&lt;id&gt;</c>: the subject (<c>user:NAME</c>, <c>token:ID</c>) has the role in a scope (a project, or <c>*</c>).</summary>
public sealed record RoleBinding : StoredRecord
{
    public required string Subject { get; init; }
    public required Role Role { get; init; }
    public required string Scope { get; init; }
}

/// <summary>A role binding as <c>/v1/bindings</c> gives and takes it. A subject has at most one role in a scope: binding again replaces it.</summary>
public sealed record Binding
{
    /// <summary>Given by the server.</summary>
    public string? Id { get; init; }

    /// <summary><c>user:NAME</c> or <c>token:ID</c>.</summary>
    public required string Subject { get; init; }
    public required Role Role { get; init; }

    /// <summary>A project, or <c>*</c> for all.</summary>
    public required string Scope { get; init; }
}

/// <summary>Answer of <c>GET /v1/whoami</c>.</summary>
public sealed record WhoAmI
{
    public required string Subject { get; init; }
    public required IReadOnlyList<RoleBinding> Bindings { get; init; }

    /// <summary>The password is the one that the first start made and showed: it should be changed.</summary>
    public bool FirstPassword { get; init; }
}
