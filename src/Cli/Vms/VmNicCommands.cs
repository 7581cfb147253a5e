using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>vm nic add|set|remove</c></summary>
internal static class VmNicCommands
{
    private const string User = "user";

    public static Command Build() => CommandBuilder.Noun("nic", "its network cards, also while it runs", Add(), Set(), Remove());

    private static Command Add()
    {
        var vm = VmArgument.Create();
        var network = new Option<string?>("--network") { Description = "a network, or user for user-mode (default: default)", HelpName = "name|user" };
        var address = Address();
        var mac = new Option<string?>("--mac") { Description = "its MAC address (default: a new one)", HelpName = "mac" };
        var model = new Option<NicModel?>("--model") { Description = "virtio or e1000", HelpName = "virtio|e1000" };
        var (inbound, outbound) = (RateOptions.Inbound(), RateOptions.Outbound());
        var groups = new Option<string[]>("--firewall-group") { Description = "filter it by this group; may be repeated", HelpName = "group" };
        return CommandBuilder.Verb("add", "plug in a network card", [vm, network, address, mac, model, groups, inbound, outbound], async (invocation, cancellationToken) =>
        {
            bool isUser = invocation.Value(network) == User;
            var add = new VmNicCreate
            {
                Kind = isUser ? NicKind.User : null,
                Network = isUser ? null : invocation.Value(network),
                Address = invocation.Value(address),
                Mac = invocation.Value(mac),
                Model = invocation.Value(model),
                FirewallGroups = invocation.Value(groups),
                InboundKbps = RateOptions.Kbps(inbound, invocation),
                OutboundKbps = RateOptions.Kbps(outbound, invocation),
            };
            var operation = await invocation.Client.VmDevices.AddNicAsync(invocation.Value(vm), add, cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"{invocation.Value(vm)} has a further network card", cancellationToken);
        });
    }

    private static Command Set()
    {
        var vm = VmArgument.Create();
        var slot = VmDeviceCommands.Slot("card");
        var network = new Option<string?>("--network") { Description = "move it to this network", HelpName = "name" };
        var address = Address();
        var (inbound, outbound) = (RateOptions.Inbound(), RateOptions.Outbound());
        var groups = new Option<string[]>("--firewall-group") { Description = "filter it by this group; may be repeated, in the order in which they are tried; none takes the filter away", HelpName = "group" };
        var link = new Option<NicLink?>("--link") { Description = "down draws the cable out, up puts it back", HelpName = "up|down" };
        return CommandBuilder.Verb("set", "move a card to another network, draw its cable, filter or pace it", [vm, slot, network, address, link, groups, inbound, outbound], async (invocation, cancellationToken) =>
        {
            var update = new VmNicUpdate
            {
                Network = invocation.Value(network),
                Address = invocation.Value(address),
                Link = invocation.Value(link),
                FirewallGroups = invocation.Value(groups) switch
                {
                    null or [] => null,
                    ["none"] => [],
                    var named => named,
                },
                InboundKbps = RateOptions.Kbps(inbound, invocation),
                OutboundKbps = RateOptions.Kbps(outbound, invocation),
            };
            if (update == new VmNicUpdate()) throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina vm nic set --help");
            var operation = await invocation.Client.VmDevices.UpdateNicAsync(invocation.Value(vm), invocation.Value(slot), update, cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"card {invocation.Value(slot)} of {invocation.Value(vm)} is changed", cancellationToken);
        });
    }

    private static Command Remove()
    {
        var vm = VmArgument.Create();
        var slot = VmDeviceCommands.Slot("card");
        return CommandBuilder.Verb("remove", "unplug a network card", [vm, slot], async (invocation, cancellationToken) =>
        {
            var operation = await invocation.Client.VmDevices.RemoveNicAsync(invocation.Value(vm), invocation.Value(slot), cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"card {invocation.Value(slot)} of {invocation.Value(vm)} is removed", cancellationToken);
        });
    }

    private static Option<string?> Address() => new("--address") { Description = "a fixed address of that network (default: the next free one)", HelpName = "address" };
}
