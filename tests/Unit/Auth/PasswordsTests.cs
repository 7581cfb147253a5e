using Lamina.Api.Input;
using Lamina.Server.Auth;

namespace Lamina.Tests.Unit.Auth;

public sealed class PasswordsTests
{
    [Theory]
    [InlineData("", "password.short")]
    [InlineData("elevenchars", "password.short")]
    [InlineData("aaaaaaaaaaaaaaa", "password.weak")]
    [InlineData("annabelle123", "password.weak")]
    public void BadPasswordsAreRefused(string password, string code)
    {
        var problems = new InputProblems();
        Passwords.Check(password, "annabelle", "$.password", problems);
        Assert.Equal(code, Assert.Single(problems.Found).Code);
    }

    [Fact]
    public void AnEndlessPasswordIsRefused()
    {
        var problems = new InputProblems();
        Passwords.Check(new string('x', 300), "ann", "$.password", problems);
        Assert.Equal("password.long", Assert.Single(problems.Found).Code);
    }

    [Fact]
    public void AFewWordsAreFine()
    {
        var problems = new InputProblems();
        Passwords.Check("correct horse battery staple", "ann", "$.password", problems);
        Assert.False(problems.Any);
    }

    [Fact]
    public async Task OnlyTheRightPasswordVerifies()
    {
        using var passwords = new Passwords();
        string hash = await passwords.HashAsync("ann", "correct horse battery", TestContext.Current.CancellationToken);
        Assert.DoesNotContain("correct", hash, StringComparison.Ordinal);
        Assert.False(await passwords.VerifyAsync("ann", hash, "wrong horse battery", TestContext.Current.CancellationToken));
        Assert.False(await passwords.VerifyAsync("ann", hash, new string('x', 10_000), TestContext.Current.CancellationToken));
        Assert.False(await passwords.VerifyAsync("ann", null, "correct horse battery", TestContext.Current.CancellationToken));
        Assert.True(await passwords.VerifyAsync("ann", hash, "correct horse battery", TestContext.Current.CancellationToken));
    }
}
