using Lamina.Server.Auth;

namespace Lamina.Tests.Unit.Auth;

public sealed class SecretTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic YWRtaW46YWRtaW4=")]
    [InlineData("Bearer something")]
    [InlineData("Bearer lmt_")]
    [InlineData("Bearer lmt_nounderscore")]
    [InlineData("lms_abc")]
    public void WhatIsNoSecretOfOursIsNoCredential(string? authorization) => Assert.Null(Secret.Parse(authorization));

    [Fact]
    public void AnEndlessHeaderIsNotHashed() => Assert.Null(Secret.Parse("Bearer lms_" + new string('a', 10_000)));

    [Fact]
    public void ASessionIsFoundByItsHash()
    {
        string secret = Secret.NewSession();
        Assert.Equal(new Credential.Session(Secret.Hash(secret)), Secret.Parse($"Bearer {secret}"));
    }

    [Fact]
    public void ATokenIsFoundByItsName()
    {
        string secret = Secret.NewToken("ci-2");
        Assert.Equal(new Credential.Token("ci-2", Secret.Hash(secret)), Secret.Parse($"bearer {secret}"));
    }

    [Fact]
    public void NoTwoSecretsAreEqual() => Assert.Equal(100, Enumerable.Range(0, 100).Select(_ => Secret.NewSession()).Distinct().Count());

    [Fact]
    public void HashesOfDifferentLengthDiffer() => Assert.False(Secret.HashesEqual("aa", "aaa"));
}
