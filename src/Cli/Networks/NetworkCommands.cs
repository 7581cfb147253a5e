using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Networks;

/// <summary><c>lamina network …</c></summary>
internal static class NetworkCommands
{
    private static readonly IReadOnlyList<Column<Network>> Columns =
    [
        new("name", n => n.Name),
        new("kind", n => n.Spec.Kind.ToString().ToLowerInvariant()),
        new("subnet", n => n.Spec.Subnet),
        new("ipv6", n => n.Spec.Ipv6Subnet),
        new("mtu", n => n.Spec.Mtu.ToString(), AlignRight: true),
        new("bridge", n => n.Status?.Bridge),
        new("device", n => n.Spec.Bridge?.Device),
        new("vlan", n => n.Spec.Bridge?.Vlan?.ToString(), AlignRight: true),
        new("state", State),
        new("failure", n => n.Status?.Failure?.Message),
    ];

    private static readonly IReadOnlyList<Column<NetworkAddress>> AddressColumns =
    [
        new("address", a => a.Address),
        new("ipv6", a => a.Ipv6Address),
        new("mac", a => a.Mac),
        new("vm", a => a.VmName),
        new("dns name", a => a.DnsName),
    ];

    public static Command Build() => CommandBuilder.Noun(
        "network", "where guests are plugged in", List(), Show(), Create(), Set(), Delete(), NetworkConfirmation.Confirm(), NetworkConfirmation.Retry(), Addresses(), ForwardCommands.Build());

    private static Command List() => CommandBuilder.Verb("list", "the networks of the project", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Networks.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Network, Columns));

    private static Command Show()
    {
        var name = new Argument<string>("network");
        return CommandBuilder.Verb("show", "everything about one, and who is on it", [name], async (invocation, cancellationToken) =>
        {
            var network = (await invocation.Client.Networks.GetAsync(invocation.Value(name), cancellationToken)).Value;
            if (invocation.Printer.Format != OutputFormat.Table)
            {
                invocation.Printer.Show(network, ApiJson.Default.Network, Columns);
                return;
            }

            var addresses = await invocation.Client.Networks.ListAddressesAsync(network.Id, cancellationToken).ToListAsync(cancellationToken);
            var forwards = await ForwardCommands.ReadAsync(invocation, network, cancellationToken);
            invocation.Printer.Show(network, ApiJson.Default.Network, Fields(addresses, forwards));
        });
    }

    private static Command Create()
    {
        var name = new Argument<string>("name");
        var bridge = new Option<string?>("--bridge") { Description = "put guests on the LAN of this card, or of this bridge of the host", HelpName = "device" };
        var confirm = new Option<int?>("--confirm-seconds") { Description = "how long a bridge to a card waits to be confirmed before it undoes itself (default 60)", HelpName = "n" };
        var vlan = Vlan("tag of its frames on that device, 1 to 4094; several networks may share one");
        var isolated = new Option<bool>("--isolated") { Description = "no way out: guests reach each other only" };
        var yes = SharedOptions.Yes();
        var options = new NetworkOptions();
        return CommandBuilder.Verb("create", "make a network", [name, .. options.All, isolated, bridge, vlan, confirm, yes], async (invocation, cancellationToken) =>
        {
            var create = new NetworkCreate
            {
                Name = invocation.Value(name),
                Kind = invocation.Value(isolated) ? NetworkKind.Isolated : null,
                Subnet = invocation.Value(options.Subnet),
                Ipv6 = invocation.Value(options.Ipv6),
                DnsDomain = invocation.Value(options.DnsDomain),
                Mtu = invocation.Value(options.Mtu),
                Dhcp = options.WantsDhcp(invocation),
                DhcpRange = invocation.Value(options.DhcpRange),
                Bridge = invocation.Value(bridge),
                Vlan = invocation.Value(vlan),
                ConfirmSeconds = invocation.Value(confirm),
            };
            var made = await invocation.Client.Networks.CreateAsync(create, cancellationToken);
            if (made.Spec.Bridge is { Existing: false, Vlan: null }) return await NetworkConfirmation.FollowAsync(invocation, made, invocation.Value(yes), cancellationToken);
            return await NetworkConfirmation.WaitUntilUpAsync(invocation, made, $"network {made.Name} is made", cancellationToken);
        });
    }

    private static Command Set()
    {
        var name = new Argument<string>("network");
        var newName = new Option<string?>("--name") { Description = "another name", HelpName = "name" };
        var confirm = new Option<int?>("--confirm-seconds") { Description = "how long a bridge to a card waits to be confirmed", HelpName = "n" };
        var vlan = Vlan("another tag of its frames, of a network that has one");
        var options = new NetworkOptions();
        return CommandBuilder.Verb("set", "change one", [name, newName, .. options.All, vlan, confirm], async (invocation, cancellationToken) =>
        {
            var update = new NetworkUpdate
            {
                Name = invocation.Value(newName),
                Subnet = invocation.Value(options.Subnet),
                Ipv6 = invocation.Value(options.Ipv6),
                DnsDomain = invocation.Value(options.DnsDomain),
                Mtu = invocation.Value(options.Mtu),
                Dhcp = options.WantsDhcp(invocation),
                DhcpRange = invocation.Value(options.DhcpRange),
                Vlan = invocation.Value(vlan),
                ConfirmSeconds = invocation.Value(confirm),
            };
            var changed = await invocation.Client.Networks.UpdateAsync(invocation.Value(name), update, null, cancellationToken);
            invocation.Say($"network {changed.Name} is changed");
        });
    }

    private static Command Delete()
    {
        var name = new Argument<string>("network");
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete one that no card uses", [name, yes], async (invocation, cancellationToken) =>
        {
            var network = invocation.Value(name);
            Terminal.Confirm($"Delete network {network}?", invocation.Value(yes));
            var operation = await invocation.Client.Networks.DeleteAsync(network, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"network {network} is deleted", cancellationToken);
        });
    }

    private static Command Addresses()
    {
        var name = new Argument<string>("network");
        return CommandBuilder.Verb("addresses", "who has which address in a network", [name], async (invocation, cancellationToken) =>
            invocation.Printer.List(
                await invocation.Client.Networks.ListAddressesAsync(invocation.Value(name), cancellationToken).ToListAsync(cancellationToken),
                ApiJson.Default.NetworkAddress,
                AddressColumns));
    }

    private static Option<int?> Vlan(string description) => new("--vlan") { Description = description, HelpName = "n" };

    private static IReadOnlyList<Column<Network>> Fields(IReadOnlyList<NetworkAddress> addresses, IReadOnlyList<ForwardRow> forwards) =>
    [
        .. Columns,
        new("vni", n => n.Hosts.Count > 1 ? n.Spec.Vni?.ToString() : null),
        new("hosts", n => n.Hosts.Count > 1 ? string.Join('\n', n.Hosts.Select(Host)) : null),
        new("dns domain", n => n.Spec.DnsDomain),
        new("dhcp", n => n.Spec.Kind == NetworkKind.Bridge ? null : n.Spec.Dhcp ? n.Spec.DhcpRange ?? "on" : "off"),
        new("host addresses", n => n.Status?.Uplink is { Addresses.Count: > 0 } uplink ? string.Join(", ", uplink.Addresses) : null),
        new("not reached", n => n.Status?.Uplink is { Unreached.Count: > 0 } uplink ? string.Join(", ", uplink.Unreached) : null),
        new("deadline", n => n.Status?.Uplink?.Deadline is { } deadline ? Times.Absolute(deadline) : null),
        new("remedy", n => n.Status?.Failure?.Remedy),
        new("forwards", _ => string.Join('\n', forwards.Select(forward => $"{forward.Protocol} {forward.Host} to {forward.Vm} {forward.Target}"))),
        new("cards", _ => string.Join('\n', addresses.Select(address => $"{address.Address ?? "(of the LAN)"} {address.Mac} {address.VmName}"))),
        new("id", n => n.Id),
    ];

    private static string Host(NetworkOnHost on) => $"{on.Host} {(on.Status.Up ? "up" : "down")} {on.Status.Overlay}".TrimEnd();

    private static string State(Network network) => network.Status switch
    {
        { Uplink.State: UplinkState.AwaitingConfirmation } => "awaits confirmation",
        { Uplink.State: UplinkState.RolledBack } => "rolled back",
        { Up: true } => "up",
        _ => "down",
    };
}
