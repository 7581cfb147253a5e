using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Cluster;
using Lamina.Server.Control;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Cluster;

public sealed class JoinRulesTests
{
    private const string Version = "0.5.1";

    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly JoinToken Token = JoinToken.Create("AB:CD", ["10.0.0.1:7444"]);

    private static readonly JoinFacts Fitting = new()
    {
        TokenId = Token.Id,
        Secret = Token.Secret,
        HostId = "00000000-0000-0000-0000-000000000002",
        HostName = "two",
        Version = "0.5.0",
        Addresses = Addresses("10.0.0.2"),
        Clock = Now.AddSeconds(1),
        Nonce = "n",
        CpuFlags = [],
        Objects = [],
    };

    [Fact]
    public void AHostThatFitsFits() => Assert.Empty(Check(Fitting));

    [Fact]
    public void AllMisfitsAreToldAtOnce() => Assert.Equal(
        ["cluster.clock", "cluster.objects", "cluster.sameAddress", "cluster.sameName", "cluster.unreachable", "cluster.version"],
        Check(Fitting with { HostName = "one", Version = "0.6.0", Addresses = Addresses("10.0.0.1"), Clock = Now.AddSeconds(-3), Objects = ["vm web1"] }, unreached: "no answer"));

    [Fact]
    public void AWrongSecretLearnsNothingElse()
    {
        Assert.Equal("cluster.tokenUnknown", JoinRules.Token(Cluster().Build(), Fitting with { Secret = "x" })!.Code);
        Assert.Equal("cluster.tokenUnknown", JoinRules.Token(Cluster().Build(), Fitting with { TokenId = "x" })!.Code);
        Assert.Null(JoinRules.Token(Cluster().Build(), Fitting));
    }

    [Fact]
    public void ATokenEnds() => Assert.Equal(["cluster.tokenExpired"], Check(Fitting with { Clock = Now.AddHours(2) }, at: Now.AddHours(2)));

    [Fact]
    public void ATokenIsForOneHost()
    {
        Assert.Equal(["cluster.tokenUsed"], Check(Fitting, usedBy: "another"));
        Assert.Empty(Check(Fitting, usedBy: Fitting.HostId));
    }

    [Fact]
    public void AnIdentityIsOneHostAndNeverComesBack()
    {
        Assert.Equal(["cluster.sameId"], Check(Fitting with { HostName = "three" }, change: snapshot => snapshot.Add(Keys.Hosts.Spec, Fitting.HostId, new HostSpec { Name = "three" })));
        Assert.Equal(["cluster.hostRemoved"], Check(Fitting, change: snapshot => snapshot.Add(Keys.RemovedHosts, Fitting.HostId, new RemovedHost { Name = "two", RemovedAt = Now })));
    }

    [Fact]
    public void ATokenSurvivesItsText()
    {
        var read = JoinToken.Parse($"  {Token}\n");
        Assert.Equal((Token.Id, Token.Secret, Token.Ca), (read.Id, read.Secret, read.Ca));
        Assert.Equal(Token.Addresses, read.Addresses);
    }

    [Theory]
    [InlineData("")]
    [InlineData("lmt_ci_abc")]
    [InlineData("lmj_")]
    [InlineData("lmj_%%%")]
    [InlineData("lmj_e30")]
    public void WhatIsNoTokenIsRefused(string text) => Assert.Equal("cluster.tokenInvalid", Assert.Throws<ProblemException>(() => JoinToken.Parse(text)).Code);

    private static IEnumerable<string> Check(
        JoinFacts facts, DateTimeOffset? at = null, string? usedBy = null, string? unreached = null, Func<TestSnapshots, TestSnapshots>? change = null)
    {
        var snapshot = Cluster(usedBy);
        return JoinRules.Check((change?.Invoke(snapshot) ?? snapshot).Build(), facts, Version, at ?? Now, unreached).Select(misfit => misfit.Code).Order(StringComparer.Ordinal);
    }

    private static TestSnapshots Cluster(string? usedBy = null) => new TestSnapshots()
        .Add(Keys.Hosts.Spec, "00000000-0000-0000-0000-000000000001", new HostSpec { Name = "one", Addresses = Addresses("10.0.0.1") })
        .Add(Keys.JoinTokens, Token.Id, new JoinTokenRecord { SecretSha256 = JoinToken.HashOf(Token.Secret), ExpiresAt = Now.AddHours(1), MadeBy = "user:admin", UsedBy = usedBy });

    private static HostAddresses Addresses(string address) => new() { Api = $"{address}:7443", Peer = $"{address}:7444", Migration = address };
}
