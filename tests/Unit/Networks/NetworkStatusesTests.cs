using Lamina.Api;
using Lamina.Linux;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

public class NetworkStatusesTests
{
    private static readonly NetworkSpec Spec = new() { Name = "default", Subnet = "192.168.200.0/24" };

    private static readonly PlannedNetwork Planned = new()
    {
        Id = "1", Name = "default", Bridge = "lmx", BridgeOwner = "o", BridgeMac = "02:00:00:00:00:01", Subnet = Subnet.Parse(Spec.Subnet)!.Value, MtuBytes = 1450, Domain = "d",
    };

    [Fact]
    public void A_failure_says_what_and_what_to_do()
    {
        Assert.Equal("network.subnet", NetworkStatuses.Make(Spec with { Subnet = "nonsense" }, null, null).Failure!.Code);
        Assert.Equal("network.subnetInUse", NetworkStatuses.Make(Spec, Planned, new ProblemException(ProblemKind.Conflict, "network.subnetInUse", "taken", "move")).Failure!.Code);
        var missing = NetworkStatuses.Make(Spec, Planned, new LinuxException("find the program nft", Errno.NoEntry));
        Assert.Equal((false, "lmx", "network.programMissing"), (missing.Up, missing.Bridge, missing.Failure!.Code));
        Assert.Contains("nftables", missing.Failure.Remedy, StringComparison.Ordinal);
        Assert.Contains("boom", NetworkStatuses.Make(Spec, Planned, new InvalidOperationException("boom")).Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_news_are_written()
    {
        var up = NetworkStatuses.Make(Spec, Planned, null);
        var down = NetworkStatuses.Make(Spec, Planned, new InvalidOperationException("boom"));
        Assert.True(NetworkStatuses.IsNews(null, up));
        Assert.False(NetworkStatuses.IsNews(up, NetworkStatuses.Make(Spec, Planned, null)));
        Assert.True(NetworkStatuses.IsNews(up, down));
        Assert.False(NetworkStatuses.IsNews(down, NetworkStatuses.Make(Spec, Planned, new InvalidOperationException("boom"))));
    }

    [Fact]
    public void People_hear_of_a_failure_and_of_its_end_but_not_of_a_first_coming_up()
    {
        var spec = new CachedRecord<NetworkSpec>("1", Spec, 1, 1);
        var up = NetworkStatuses.Make(Spec, Planned, null);
        var down = NetworkStatuses.Make(Spec, Planned, new InvalidOperationException("boom"));
        Assert.Null(NetworkStatuses.EventOf(spec, null, up));
        Assert.Equal(("network.failed", EventSeverity.Error), (NetworkStatuses.EventOf(spec, up, down)!.Kind, NetworkStatuses.EventOf(spec, up, down)!.Severity));
        Assert.Equal("network.recovered", NetworkStatuses.EventOf(spec, down, up)!.Kind);
    }

    [Theory]
    [InlineData("lamina/default/0197/nic0", "default", "0197", "nic0")]
    [InlineData("lamina/a/b/bridge", "a", "b", "bridge")]
    public void An_alias_names_its_owner(string alias, string instance, string id, string slot) =>
        Assert.Equal(new LinkOwner(instance, id, slot), LinkOwner.Parse(alias));

    [Theory]
    [InlineData("")]
    [InlineData("lamina/default/0197")]
    [InlineData("lamina/default/0197/nic0/x")]
    [InlineData("docker/default/0197/nic0")]
    public void Another_alias_does_not(string alias) => Assert.Null(LinkOwner.Parse(alias));
}
