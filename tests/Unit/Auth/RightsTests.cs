using CsCheck;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Http;

namespace Lamina.Tests.Unit.Auth;

public sealed class RightsTests
{
    private static readonly Permission[] Permissions = Enum.GetValues<Permission>();
    private static readonly string?[] Projects = [null, "default", "shop", "lab"];

    private static readonly Gen<RoleBinding[]> Bindings = Gen.Select(
        Gen.Int[0, 2].Select(role => (Role)role), Gen.Int[0, 2].Select(index => new[] { "*", "default", "shop" }[index])).Select((role, scope) => Binding(role, scope)).Array[0, 4];

    [Theory]
    [InlineData(Permission.Operate)]
    [InlineData(Permission.Administer)]
    internal void AViewerOnlyViews(Permission permission) => Assert.False(Of(Binding(Role.Viewer, "*")).Allow(permission, "default"));

    [Fact]
    public void AnOperatorDoesNotAdminister() => Assert.False(Of(Binding(Role.Operator, "*")).Allow(Permission.Administer, "default"));

    [Fact]
    public void ARoleInOneProjectGivesNothingInAnother() => Assert.False(Of(Binding(Role.Admin, "shop")).Allow(Permission.View, "default"));

    [Fact]
    public void AnAdminOfAProjectDoesNotAdministerTheInstallation() => Assert.False(Of(Binding(Role.Admin, "shop")).Allow(Permission.Administer, null));

    [Fact]
    public void NobodyWithoutABindingSeesAnything() => Assert.False(Rights.None.Allow(Permission.View, null));

    [Fact]
    public void WhoViewsAProjectSeesHostsAndPools() => Assert.True(Of(Binding(Role.Viewer, "shop")).Allow(Permission.View, null));

    [Fact]
    public void AnAdminOfEverythingMayAll() =>
        Assert.All(from permission in Permissions from project in Projects select (permission, project), pair => Assert.True(Of(Binding(Role.Admin, "*")).Allow(pair.permission, pair.project)));

    [Fact]
    public void EachRoleHasWhatTheLowerOnesHave() => Assert.All(Permissions, permission =>
    {
        Assert.True(!RolePermissions.Has(Role.Viewer, permission) || RolePermissions.Has(Role.Operator, permission));
        Assert.True(!RolePermissions.Has(Role.Operator, permission) || RolePermissions.Has(Role.Admin, permission));
    });

    [Fact]
    public void ATokenNeverHasMoreThanItsMaker() => Gen.Select(Bindings, Bindings).Sample((own, makers) =>
    {
        var maker = new Rights(makers);
        var token = new Rights(own, maker);
        foreach (var permission in Permissions)
        {
            foreach (string? project in Projects)
            {
                if (token.Allow(permission, project)) Assert.True(maker.Allow(permission, project));
            }
        }
    });

    [Theory]
    [InlineData(Role.Admin, "shop", false)]
    [InlineData(Role.Operator, "*", false)]
    [InlineData(Role.Operator, "default", false)]
    [InlineData(Role.Operator, "shop", true)]
    [InlineData(Role.Viewer, "shop", true)]
    public void OnlyARoleThatOneHasIsHandedOn(Role role, string scope, bool may) =>
        Assert.Equal(may, Of(Binding(Role.Operator, "shop"), Binding(Role.Viewer, "*")).Contain(role, scope));

    private static Rights Of(params RoleBinding[] bindings) => new(bindings);

    private static RoleBinding Binding(Role role, string scope) => new() { Subject = "user:ann", Role = role, Scope = scope };
}
