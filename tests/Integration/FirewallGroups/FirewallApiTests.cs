using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Engine;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.FirewallGroups;

/// <summary>Firewall groups and the cards that bear them through a whole daemon, over an engine that needs no guest; the packet rules are real.</summary>
public sealed class FirewallApiTests : IAsyncLifetime
{
    private readonly FakeEngine _engine = new();
    private TestDaemon _daemon = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LaminaClient Client => _daemon.Client;

    public async ValueTask InitializeAsync()
    {
        _daemon = await TestDaemon.StartAsync(change: options => options with { Engine = _engine });
        await Client.HostIsReadyAsync(Token);
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task A_group_lives_from_its_making_to_its_end_and_goes_only_unused()
    {
        var group = await Client.FirewallGroups.CreateAsync(new() { Name = "web" }, Token);
        Assert.Equal((FirewallAction.Drop, FirewallAction.Accept), (group.Spec.Inbound, group.Spec.Outbound));
        Assert.Equal("name.taken", await CodeAsync(() => Client.FirewallGroups.CreateAsync(new() { Name = "web" }, Token)));
        await Client.FirewallGroups.AddRuleAsync("web", Tcp("443"), Token);
        await Client.FirewallGroups.AddRuleAsync("web", Tcp("22") with { Peer = new() { Group = "web" } }, Token);
        group = await Client.FirewallGroups.AddRuleAsync("web", Tcp("80") with { Before = 1 }, Token);
        Assert.Equal([3, 1, 2], group.Spec.Rules.Select(rule => rule.Id));
        Assert.Equal("firewallRule.notFound", await CodeAsync(() => Client.FirewallGroups.RemoveRuleAsync("web", 9, Token)));
        await Client.FirewallGroups.RemoveRuleAsync("web", 3, Token);
        group = await Client.FirewallGroups.AddRuleAsync("web", Tcp("80"), Token);
        Assert.Equal([1, 2, 4], group.Spec.Rules.Select(rule => rule.Id)); // no number is given twice

        await MakeAsync(new VmCreate { Name = "web1", Nics = [new VmNicCreate { FirewallGroups = ["web"], InboundKbps = 100_000 }] });
        var vm = (await Client.Vms.GetAsync("web1", Token)).Value;
        Assert.Equal((group.Id, 100_000), (Assert.Single(vm.Spec.Nics[0].FirewallGroups), vm.Spec.Nics[0].InboundKbps));
        Assert.Equal([vm.Id], (await Client.FirewallGroups.GetAsync("web", Token)).Value.UsedBy);
        Assert.Equal("firewallGroup.inUse", await CodeAsync(() => Client.FirewallGroups.DeleteAsync("web", Token)));
        await Client.Vms.SetFirewallAsync("web1", new() { Groups = [] }, Token);
        await Client.FirewallGroups.DeleteAsync("web", Token);
        Assert.Empty(await Client.FirewallGroups.ListAsync(Token).ToListAsync(Token));
    }

    [Fact]
    public async Task What_filters_a_VM_is_shown_with_what_the_kernel_has()
    {
        await Client.FirewallGroups.CreateAsync(new() { Name = "ssh", Rules = [Tcp("22")] }, Token);
        await Client.FirewallGroups.CreateAsync(new() { Name = "quiet", Outbound = FirewallAction.Drop }, Token);
        await MakeAsync(new VmCreate { Name = "box", Nics = [new(), new()] });
        var vm = await Client.Vms.SetFirewallAsync("box", new() { Groups = ["ssh", "quiet"], Nic = 1 }, Token);
        Assert.Empty(vm.Spec.Nics[0].FirewallGroups);

        VmFirewall shown;
        while (!(shown = (await Client.Vms.GetFirewallAsync("box", Token)).Value).Applied) await Task.Delay(20, Token);
        Assert.Null(shown.Nics[0].Inbound);
        Assert.Equal((FirewallAction.Drop, FirewallAction.Drop), (shown.Nics[1].Inbound, shown.Nics[1].Outbound)); // the strictest
        Assert.Equal(["ssh", "quiet"], shown.Nics[1].Groups.Select(group => group.Name));
        Assert.Equal(0, Assert.Single(shown.Nics[1].Groups[0].Rules).Packets);

        await Client.Operations.WaitAsync((await Client.VmDevices.UpdateNicAsync("box", 1, new() { FirewallGroups = [], OutboundKbps = 5000 }, Token)).Id, null, Token);
        var nic = (await Client.Vms.GetAsync("box", Token)).Value.Spec.Nics[1];
        Assert.Equal((0, 5000), (nic.FirewallGroups.Count, nic.OutboundKbps));
        await Client.Operations.WaitAsync((await Client.VmDevices.UpdateNicAsync("box", 1, new() { OutboundKbps = 0 }, Token)).Id, null, Token);
        Assert.Null((await Client.Vms.GetAsync("box", Token)).Value.Spec.Nics[1].OutboundKbps);
    }

    [Fact]
    public async Task Bad_input_names_every_problem()
    {
        var refused = await Assert.ThrowsAsync<LaminaException>(() => Client.FirewallGroups.CreateAsync(
            new() { Name = "UPPER", Rules = [Tcp("0"), Tcp("80") with { Peer = new() { Network = "nobody" } }] }, Token));
        Assert.Equal(["$.name", "$.rules[0].ports[0]", "$.rules[1].peer.network"], refused.Problem.Problems!.Select(problem => problem.Path));
        refused = await Assert.ThrowsAsync<LaminaException>(() => Client.Vms.CreateAsync(
            new() { Name = "vm", Nics = [new() { FirewallGroups = ["nobody"], InboundKbps = 1 }, new() { Kind = NicKind.User, OutboundKbps = 100 }] }, Token));
        Assert.Equal(["$.nics[0].inboundKbps", "$.nics[0].firewallGroups[0]", "$.nics[1]"], refused.Problem.Problems!.Select(problem => problem.Path));
        Assert.Equal("firewallGroup.notFound", await CodeAsync(() => Client.FirewallGroups.GetAsync("nobody", Token)));
    }

    private static FirewallRuleCreate Tcp(string port) => new() { Direction = FirewallDirection.In, Protocol = FirewallProtocol.Tcp, Ports = [port] };

    private async Task MakeAsync(VmCreate create)
    {
        var ended = await Client.Operations.WaitAsync((await Client.Vms.CreateAsync(create, Token)).Id, null, Token);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
    }

    private static async Task<string> CodeAsync(Func<Task> asking) => (await Assert.ThrowsAsync<LaminaException>(asking)).Problem.Code;
}
