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
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Body of <c>POST /v1/sessions</c>: logs in.</summary>
public sealed record SessionCreate
{
    public required string User { get; init; }
    public required string Password { get; init; }
}

/// <summary>The answer to a log-in: the bearer token is shown this once.</summary>
public sealed record SessionCreated
{
    public required string Token { get; init; }
    public required string User { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>Key <c>sessions/&lt;id&gt;</c>, where the id is the SHA-256 of the token.</summary>
public sealed record SessionRecord : StoredRecord
{
    public required string User { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
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

public sealed record TokenCreate
{
    public required string Name { get; init; }
    public Role? Role { get; init; }

    /// <summary>A project, or <c>*</c> for all.</summary>
    public string? Scope { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}

public sealed record TokenCreated
{
    public required ApiToken Token { get; init; }
    public required string Secret { get; init; }
}

public sealed record TokenRecord : StoredRecord
{
    public required string Name { get; init; }
    public required string User { get; init; }
    public required string SecretSha256 { get; init; }
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

/// <summary>Answer of <c>GET /v1/whoami</c>.</summary>
public sealed record WhoAmI
{
    public required string Subject { get; init; }
    public required IReadOnlyList<RoleBinding> Bindings { get; init; }
}

public sealed record Project
{
    public required string Name { get; init; }
    public string? Description { get; init; }
}

public sealed record ProjectSpec : StoredRecord
{
    public required string Name { get; init; }
    public string? Description { get; init; }
}
