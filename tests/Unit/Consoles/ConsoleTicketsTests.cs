using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Auth;
using Lamina.Server.Consoles;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Consoles;

public sealed class ConsoleTicketsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConsoleTickets _tickets;

    public ConsoleTicketsTests() => _tickets = new ConsoleTickets(_time);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("guessed")]
    public void WithoutATicketNothingOpens(string? ticket) => Assert.Null(_tickets.Redeem(ticket, "a", ConsoleKind.Serial));

    [Fact]
    public void ATicketOpensOnce()
    {
        string ticket = _tickets.Issue(Grant("a", ConsoleKind.Serial));
        Assert.Equal("a", _tickets.Redeem(ticket, "a", ConsoleKind.Serial)!.VmId);
        Assert.Null(_tickets.Redeem(ticket, "a", ConsoleKind.Serial));
    }

    [Fact]
    public void AnOldTicketOpensNothing()
    {
        string ticket = _tickets.Issue(Grant("a", ConsoleKind.Serial));
        _time.Advance(ConsoleTickets.Lifetime);
        Assert.Null(_tickets.Redeem(ticket, "a", ConsoleKind.Serial));
    }

    [Theory]
    [InlineData("b", ConsoleKind.Serial)]
    [InlineData("a", ConsoleKind.Vnc)]
    public void ATicketForAnotherConsoleOpensNothingAndIsSpent(string vm, ConsoleKind kind)
    {
        string ticket = _tickets.Issue(Grant("a", ConsoleKind.Serial));
        Assert.Null(_tickets.Redeem(ticket, vm, kind));
        Assert.Null(_tickets.Redeem(ticket, "a", ConsoleKind.Serial));
    }

    [Fact]
    public void TheirNumberIsBoundedAndOldOnesMakeRoom()
    {
        for (int i = 0; i < ConsoleTickets.Capacity; i++) _tickets.Issue(Grant("a", ConsoleKind.Serial));
        Assert.Equal(ProblemKind.TooManyRequests, Assert.Throws<ProblemException>(() => _tickets.Issue(Grant("a", ConsoleKind.Serial))).Kind);
        _time.Advance(ConsoleTickets.Lifetime);
        Assert.NotNull(_tickets.Redeem(_tickets.Issue(Grant("a", ConsoleKind.Serial)), "a", ConsoleKind.Serial));
    }

    [Fact]
    public void AVmHasABoundedNumberOfSeats()
    {
        var seats = new ConsoleSeats();
        var taken = Enumerable.Range(0, ConsoleSeats.PerVm).Select(_ => seats.Take("a", "web1")).ToList();
        Assert.Equal("console.tooMany", Assert.Throws<ProblemException>(() => seats.Take("a", "web1")).Code);
        seats.Take("b", "web2").Dispose();
        taken[0].Dispose();
        seats.Take("a", "web1").Dispose();
    }

    private static ConsoleGrant Grant(string vm, ConsoleKind kind) =>
        new() { Identity = new Identity("user:ann", Rights.None), VmId = vm, VmName = vm, Project = "default", Kind = kind };
}
