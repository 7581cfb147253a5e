using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.FirewallGroups;
using Lamina.Tests.Unit.Vms;
using Xunit;

namespace Lamina.Tests.Unit.FirewallGroups;

public class FirewallRulesTests
{
    private static readonly CacheSnapshot Snapshot = TestSnapshots.Installation()
        .Add(Keys.FirewallGroups, "group-1", new FirewallGroupSpec { Name = "web" })
        .Name("default", "firewallGroup", "web", "group-1")
        .Add(Keys.Networks.Spec, "net-2", new NetworkSpec { Name = "lan", Kind = NetworkKind.Bridge })
        .Name("default", "network", "lan", "net-2")
        .Build();

    [Fact]
    public void Every_problem_is_told_at_once_with_its_path()
    {
        var (_, problems) = Resolve(new FirewallRuleCreate
        {
            Direction = FirewallDirection.In,
            Ports = ["0", "80", "70-90", "x"],
            Peer = new() { Cidr = "300.1.1.1/8" },
            Notes = new string('x', 201),
        });
        Assert.Equal(["$.notes", "$.ports", "$.ports[0]", "$.ports[2]", "$.ports[3]", "$.peer.cidr"], problems.Select(problem => problem.Path));
    }

    [Theory]
    [InlineData("10.1/16")]
    [InlineData("10.0.0.1/33")]
    [InlineData("010.0.0.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("10.0.0.0/8/9")]
    [InlineData("10.0.0.0/ 8")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fd00::/129")]
    [InlineData("0.0.0.0/0 accept; flush ruleset")]
    [InlineData("")]
    public void What_is_no_subnet_is_refused(string cidr) =>
        Assert.Equal("firewall.cidr", Assert.Single(Resolve(From(new() { Cidr = cidr })).Problems).Code);

    [Theory]
    [InlineData("10.1.2.3", "10.1.2.3/32")]
    [InlineData("10.1.2.3/8", "10.0.0.0/8")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("192.168.255.255/25", "192.168.255.128/25")]
    [InlineData("FD00::1/8", "fd00::/8")]
    [InlineData("::1", "::1/128")]
    public void Subnets_are_written_in_one_way(string asked, string recorded) => Assert.Equal(recorded, Resolve(From(new() { Cidr = asked })).Rule.Peer!.Cidr);

    [Fact]
    public void A_peer_is_one_thing()
    {
        Assert.Equal("firewall.peer", Assert.Single(Resolve(From(new())).Problems).Code);
        Assert.Equal("firewall.peer", Assert.Single(Resolve(From(new() { Cidr = "::/0", Group = "web" })).Problems).Code);
        Assert.Equal("firewallGroup.notFound", Assert.Single(Resolve(From(new() { Group = "nobody" })).Problems).Code);
        Assert.Equal("network.notFound", Assert.Single(Resolve(From(new() { Network = "nobody" })).Problems).Code);
        Assert.Equal("firewall.networkWithoutSubnet", Assert.Single(Resolve(From(new() { Network = "lan" })).Problems).Code);
        Assert.Equal("group-1", Resolve(From(new() { Group = "web" })).Rule.Peer!.Group);
        Assert.Equal("net-1", Resolve(From(new() { Network = "default" })).Rule.Peer!.Network);
    }

    [Fact]
    public void Ports_are_sorted_and_checked()
    {
        var asked = new FirewallRuleCreate { Direction = FirewallDirection.Out, Protocol = FirewallProtocol.Udp, Ports = ["8000-8100", "443", "80"] };
        Assert.Equal(["80", "443", "8000-8100"], Resolve(asked).Rule.Ports);
        foreach (string wrong in new[] { "65536", "90-80", "80-", "-80", "8 0", "80,90", "+80" })
            Assert.Equal("firewall.port", Assert.Single(Resolve(asked with { Ports = [wrong] }).Problems).Code);
        Assert.Equal("firewall.tooManyPorts", Assert.Single(Resolve(asked with { Ports = [.. Enumerable.Range(1, 16).Select(port => $"{port}")] }).Problems).Code);
        Assert.Equal("firewall.portsWithoutProtocol", Assert.Single(Resolve(asked with { Protocol = FirewallProtocol.Icmp }).Problems).Code);
    }

    private static FirewallRuleCreate From(FirewallPeer peer) => new() { Direction = FirewallDirection.In, Peer = peer };

    private static (FirewallRule Rule, IReadOnlyList<InputProblem> Problems) Resolve(FirewallRuleCreate asked)
    {
        var problems = new InputProblems();
        return (FirewallRules.Resolve(asked, 7, "$", Snapshot, "default", problems), problems.Found);
    }
}
