using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Http;

namespace Lamina.Tests.Unit.Auth;

public sealed class IdentificationTests
{
    private const string Session = "lms_one";
    private const string Token = "lmt_ci_one";

    [Fact]
    public void AnUnknownSessionIsNobody() => Assert.Null(Identify(new AuthWorld().User("ann"), "lms_other"));

    [Fact]
    public void AnExpiredSessionIsNobody() => Assert.Null(Identify(new AuthWorld().User("ann").Session("ann", Session, AuthWorld.Now), Session));

    [Fact]
    public void ASessionOfADisabledUserIsNobody() => Assert.Null(Identify(new AuthWorld().User("ann", disabled: true).Session("ann", Session), Session));

    [Fact]
    public void ASessionOfAUserWhoIsGoneIsNobody() => Assert.Null(Identify(new AuthWorld().Session("ann", Session), Session));

    [Fact]
    public void ATokenWithAnotherSecretIsNobody() => Assert.Null(Identify(new AuthWorld().User("ann").Token("ci", "ann", Token), "lmt_ci_other"));

    [Fact]
    public void AnExpiredTokenIsNobody() =>
        Assert.Null(Identify(new AuthWorld().User("ann").Token("ci", "ann", Token, expiresAt: AuthWorld.Now), Token));

    [Fact]
    public void ATokenOfADisabledUserIsNobody() =>
        Assert.Null(Identify(new AuthWorld().User("ann", disabled: true).Bound("user:ann", Role.Admin).Token("ci", "ann", Token, inherits: true), Token));

    [Fact]
    public void ATokenWhoseOwnBindingWasTakenBackHasNoRights()
    {
        var identity = Identify(new AuthWorld().User("ann").Bound("user:ann", Role.Admin).Token("ci", "ann", Token), Token);
        Assert.False(identity!.Rights.Allow(Permission.View, "default"));
    }

    [Fact]
    public void ATokenHasNoMoreThanItsMakerHasNow()
    {
        var identity = Identify(new AuthWorld().User("ann").Bound("user:ann", Role.Viewer).Token("ci", "ann", Token).Bound("token:ci", Role.Admin), Token);
        Assert.True(identity!.Rights.Allow(Permission.View, "default"));
        Assert.False(identity.Rights.Allow(Permission.Operate, "default"));
    }

    [Fact]
    public void ATokenWithARoleHasOnlyThat()
    {
        var identity = Identify(new AuthWorld().User("ann").Bound("user:ann", Role.Admin).Token("ci", "ann", Token).Bound("token:ci", Role.Operator, "shop"), Token);
        Assert.True(identity!.Rights.Allow(Permission.Operate, "shop"));
        Assert.False(identity.Rights.Allow(Permission.Operate, "default"));
    }

    [Fact]
    public void ATokenWithoutARoleHasItsMakersRights() =>
        Assert.True(Identify(new AuthWorld().User("ann").Bound("user:ann", Role.Admin).Token("ci", "ann", Token, inherits: true), Token)!.Rights.Allow(Permission.Administer, null));

    [Fact]
    public void ATokenMadeOnTheLocalSocketWorksWithoutAUser() =>
        Assert.True(Identify(new AuthWorld().Token("ci", "local:0", Token, inherits: true), Token)!.Rights.Allow(Permission.Administer, null));

    [Fact]
    public void ASessionIsItsUser()
    {
        var identity = Identify(new AuthWorld().User("ann").Bound("user:ann", Role.Operator).Session("ann", Session), Session);
        Assert.Equal("user:ann", identity!.Subject);
        Assert.True(identity.Rights.Allow(Permission.Operate, "default"));
    }

    private static Identity? Identify(AuthWorld world, string secret) =>
        Identification.Identify(world.Snapshot, Secret.Parse($"Bearer {secret}")!, AuthWorld.Now);
}
