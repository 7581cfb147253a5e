using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

public sealed class ForeignFirewallTests
{
    private const string Own = """
        table inet lamina_0 {
        	chain forward {
        		type filter hook forward priority filter - 10; policy accept;
        	}
        }
        """;

    [Fact]
    public void A_host_without_another_firewall_is_clear() => Assert.Empty(Find(Own));

    [Fact]
    public void Docker_drops_what_the_host_passes_on() => Assert.Equal(
        [new ForeignFirewall("Docker", "ip filter", "FORWARD")],
        Find($"{Own}\ntable ip filter {{\n\tchain DOCKER-USER {{\n\t}}\n\tchain INPUT {{\n\t\ttype filter hook input priority filter; policy drop;\n\t}}\n\tchain FORWARD {{\n\t\ttype filter hook forward priority filter; policy drop;\n\t}}\n}}\n"));

    [Fact]
    public void Ufw_firewalld_and_tables_by_hand_are_told_apart()
    {
        const string forward = "type filter hook forward priority filter; policy";
        Assert.Equal(["ufw"], Owners($"table ip filter {{\nchain ufw-before-forward {{\n}}\nchain FORWARD {{\n{forward} drop;\n}}\n}}\ntable ip6 filter {{\nchain FORWARD {{\n{forward} drop;\n}}\n}}"));
        Assert.Equal(["firewalld"], Owners($"table inet firewalld {{\nchain filter_FORWARD {{\n{forward} accept;\n}}\n}}"));
        Assert.Equal(["table inet mine"], Owners($"table inet mine {{\nchain f {{\n{forward} drop;\n}}\n}}"));
        Assert.Empty(Owners($"table inet mine {{\nchain f {{\n{forward} accept;\n}}\n}}\ntable inet lamina_3 {{\nchain f {{\n{forward} drop;\n}}\n}}"));
    }

    [Theory]
    [InlineData("iifname \"lm*\" accept", true)]
    [InlineData("oifname \"lmabcdefgh2345\" accept", true)]
    [InlineData("iifname \"eth0\" accept", false)]
    public void One_that_lets_our_links_pass_is_no_hindrance(string rule, bool passes) => Assert.Equal(passes, ForeignFirewall.LetsGuestsPass($"chain FORWARD {{\n{rule}\n}}"));

    private static IReadOnlyList<ForeignFirewall> Find(string chains) => ForeignFirewall.Find(chains, "lamina_");

    private static IEnumerable<string> Owners(string chains) => Find(chains).Select(firewall => firewall.Owner);
}
