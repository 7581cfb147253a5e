using Lamina.Api;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary>What a subject may: its role bindings, and for a token also the rights of its maker, which it never exceeds.</summary>
/// <param name="Bindings">Of this subject.</param>
/// <param name="Ceiling">A permission is had only if it is had here too; null: no ceiling.</param>
internal sealed record Rights(IReadOnlyList<RoleBinding> Bindings, Rights? Ceiling = null)
{
    public const string EveryScope = "*";

    public static Rights None { get; } = new([]);

    /// <summary>Root and the group <c>lamina</c> on the local socket (decision 23).</summary>
    public static Rights LocalAdministrator(string subject) =>
        new([new RoleBinding { Subject = subject, Role = Role.Admin, Scope = EveryScope }]);

    /// <param name="permission">What is asked.</param>
    /// <param name="project">Null: the whole installation. What is only viewed there (hosts, pools) is for whoever views any project.</param>
    public bool Allow(Permission permission, string? project) =>
        Bindings.Any(binding => Covers(binding.Scope, permission, project) && RolePermissions.Has(binding.Role, permission))
        && (Ceiling?.Allow(permission, project) ?? true);

    /// <summary>Whether a role in a scope could be handed on: the subject itself has all that it gives.</summary>
    public bool Contain(Role role, string scope)
    {
        string? project = scope == EveryScope ? null : scope;
        return Bindings.Any(binding => (binding.Scope == EveryScope || binding.Scope == project) && binding.Role >= role)
            && (Ceiling?.Contain(role, scope) ?? true);
    }

    private static bool Covers(string scope, Permission permission, string? project) =>
        scope == EveryScope || scope == project || (project is null && permission == Permission.View);
}
