using Lamina.Api;
using Lamina.Server.Auth;

namespace Lamina.Tests.Unit.Auth;

public sealed class BindingRulesTests
{
    [Fact]
    public void TheLastAdminCannotBeDisabled() =>
        Assert.True(BindingRules.LeavesNoAdmin(new AuthWorld().User("ann").Bound("user:ann", Role.Admin).Snapshot, null, "ann"));

    [Fact]
    public void TheLastAdminsRoleCannotBeTaken() => Assert.True(
        BindingRules.LeavesNoAdmin(new AuthWorld().User("ann").Bound("user:ann", Role.Admin).Snapshot, BindingRules.IdOf("user:ann", "*"), null));

    [Fact]
    public void ADisabledAdminIsNoneThatIsLeft()
    {
        var world = new AuthWorld().User("ann").Bound("user:ann", Role.Admin).User("bob", disabled: true).Bound("user:bob", Role.Admin);
        Assert.True(BindingRules.LeavesNoAdmin(world.Snapshot, null, "ann"));
    }

    [Fact]
    public void AnAdminOfAProjectIsNoneThatIsLeft()
    {
        var world = new AuthWorld().User("ann").Bound("user:ann", Role.Admin).User("bob").Bound("user:bob", Role.Admin, "shop");
        Assert.True(BindingRules.LeavesNoAdmin(world.Snapshot, null, "ann"));
    }

    [Fact]
    public void OneOfTwoMayGo()
    {
        var world = new AuthWorld().User("ann").Bound("user:ann", Role.Admin).User("bob").Bound("user:bob", Role.Admin);
        Assert.False(BindingRules.LeavesNoAdmin(world.Snapshot, null, "ann"));
    }

    [Fact]
    public void WhereNobodyIsAdminAnyhowNothingIsHeldBack() =>
        Assert.False(BindingRules.LeavesNoAdmin(new AuthWorld().User("ann").Snapshot, null, "ann"));
}
