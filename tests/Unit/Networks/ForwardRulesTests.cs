using System.Net;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Networks;
using Lamina.Tests.Unit.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

/// <summary>VM web has a card in <c>default</c>, to which port 8080 leads already; sshd waits on port 22, a database on 127.0.0.1:5432, DNS on 10.99.0.2:53.</summary>
public sealed class ForwardRulesTests
{
    private static readonly NetworkForward Known = new() { Id = "known", Vm = "vm-web", Port = 8080, VmPort = 80 };

    private static readonly HostListener[] Listeners =
    [
        new(ForwardProtocol.Tcp, IPAddress.Any, 22), new(ForwardProtocol.Tcp, IPAddress.Loopback, 5432), new(ForwardProtocol.Udp, IPAddress.Parse("10.99.0.2"), 53),
    ];

    public static TheoryData<string, ForwardCreate> Illegal => new()
    {
        { "$.vm vm.notFound", new() { Vm = "nobody", Port = 80 } },
        { "$.vm forward.noCard", new() { Vm = "alone", Port = 80 } },
        { "$.port forward.port", new() { Vm = "web", Port = 0, VmPort = 80 } },
        { "$.port forward.port", new() { Vm = "web", Port = 65535, Count = 2, VmPort = 80 } },
        { "$.vmPort forward.port", new() { Vm = "web", Port = 80, VmPort = 70000 } },
        { "$.count forward.count", new() { Vm = "web", Port = 80, Count = 257 } },
        { "$.address forward.address", new() { Vm = "web", Port = 80, Address = "fd00::1" } },
        { "$.address forward.address", new() { Vm = "web", Port = 80, Address = "127.0.0.1" } },
        { "$.source forward.source", new() { Vm = "web", Port = 80, Source = "here" } },
        { "$.port forward.taken", new() { Vm = "web", Port = 8080 } },
        { "$.port forward.taken", new() { Vm = "web", Port = 8079, Count = 2, VmPort = 1, Address = "10.99.0.2" } },
        { "$.port forward.portInUse", new() { Vm = "web", Port = 20, Count = 5 } },
        { "$.port forward.portInUse", new() { Vm = "web", Port = 22, Address = "10.99.0.2" } },
        { "$.port forward.portInUse", new() { Vm = "web", Port = 53, Protocol = ForwardProtocol.Udp } },
    };

    [Theory]
    [MemberData(nameof(Illegal))]
    public void What_may_not_be_is_refused_with_its_path(string problem, ForwardCreate asked) => Assert.Equal([problem], NetworkRulesTests.ProblemsOf(() => Create(asked)));

    [Fact]
    public void What_clashes_with_nothing_may_be()
    {
        var forward = Create(new() { Vm = "web", Port = 80 });
        Assert.Equal((ForwardProtocol.Tcp, 80, 80, 1, "vm-web"), (forward.Protocol, forward.Port, forward.VmPort, forward.Count, forward.Vm));
        Assert.Equal("203.0.113.7/32", Create(new() { Vm = "web", Port = 80, Source = "203.0.113.7" }).Source);
        Assert.Equal(5432, Create(new() { Vm = "web", Port = 5432 }).Port); // only the host itself reaches that database
        Assert.Equal(53, Create(new() { Vm = "web", Port = 53, Protocol = ForwardProtocol.Udp, Address = "10.99.0.3" }).Port);
        Assert.Equal(8080, Create(new() { Vm = "web", Port = 8080, Protocol = ForwardProtocol.Udp }).Port);
    }

    [Theory]
    [InlineData(NetworkKind.Isolated)]
    [InlineData(NetworkKind.Bridge)]
    public void Only_a_nat_network_has_forwards(NetworkKind kind) =>
        Assert.Contains("$ forward.kind", NetworkRulesTests.ProblemsOf(() => Create(new() { Vm = "web", Port = 80 }, spec => spec with { Kind = kind })));

    [Fact]
    public void The_plan_follows_the_vm_and_forgets_what_leads_nowhere()
    {
        var planned = Assert.Single(NetworkPlan.From(NetworkPlanTests.Instance, Installed().Build())).Forwards;
        Assert.Equal([new PlannedForward(ForwardProtocol.Tcp, null, 8080, 1, "192.168.203.10", 80, null)], planned);
        var gone = new TestSnapshots().Add(Keys.Networks.Spec, "net", new NetworkSpec { Name = "default", Subnet = "192.168.203.0/24", Forwards = [Known] });
        Assert.Empty(Assert.Single(NetworkPlan.From(NetworkPlanTests.Instance, gone.Build())).Forwards);
    }

    [Fact]
    public void Listening_ports_are_read_as_the_kernel_writes_them()
    {
        string[] lines =
        [
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0",
            "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0",
            "   2: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0",
            "   3: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 0 0 0 0 0",
        ];
        Assert.Equal(
            [
                new HostListener(ForwardProtocol.Tcp, IPAddress.Loopback, 8080), new(ForwardProtocol.Tcp, IPAddress.Any, 22),
                new(ForwardProtocol.Tcp, IPAddress.Parse("::ffff:127.0.0.1"), 80),
            ],
            HostListener.Parse(lines, ForwardProtocol.Tcp, "0A"));
    }

    private static TestSnapshots Installed() => new TestSnapshots()
        .Add(Keys.Networks.Spec, "net", new NetworkSpec { Name = "default", Subnet = "192.168.203.0/24", Forwards = [Known] })
        .Vm("web", new VmNic { Slot = 0, Network = "net", Mac = "52:54:00:00:00:01", Address = "192.168.203.10" })
        .Vm("alone", new VmNic { Slot = 0, Kind = NicKind.User, Mac = "52:54:00:00:00:02" });

    private static NetworkForward Create(ForwardCreate asked, Func<NetworkSpec, NetworkSpec>? change = null)
    {
        var world = NetworkRulesTests.World(Installed()) with { Listeners = Listeners };
        var network = world.Snapshot.Get(Keys.Networks.Spec, "net")!;
        return ForwardRules.Create(asked, change is null ? network : network with { Record = change(network.Record) }, world);
    }
}
