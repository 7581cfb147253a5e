using Lamina.Api;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary>Which role has which permission: the whole table.</summary>
internal static class RolePermissions
{
    public static bool Has(Role role, Permission permission) => permission switch
    {
        Permission.Public or Permission.SignedIn or Permission.View => true,
        Permission.Operate => role is Role.Operator or Role.Admin,
        Permission.Administer => role is Role.Admin,
        _ => false,
    };
}
