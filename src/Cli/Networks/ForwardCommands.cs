using System.CommandLine;
using System.Globalization;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Networks;

/// <summary>A forward as people read it.</summary>
internal sealed record ForwardRow(NetworkForward Forward, string Vm, string Target)
{
    public string Protocol => Forward.Protocol.ToString().ToLowerInvariant();

    public string Host => $"{Forward.Address ?? "*"}:{ForwardCommands.Ports(Forward.Port, Forward.Count)}";
}

/// <summary><c>lamina network forward …</c></summary>
internal static class ForwardCommands
{
    private static readonly IReadOnlyList<Column<ForwardRow>> Columns =
    [
        new("host", f => f.Host),
        new("protocol", f => f.Protocol),
        new("vm", f => f.Vm),
        new("to", f => f.Target),
        new("from", f => f.Forward.Source ?? "everywhere"),
    ];

    public static Command Build() => CommandBuilder.Noun("forward", "ports of the host that lead to VMs", List(), Add(), Remove());

    public static string Ports(int first, int count) => count == 1 ? Number(first) : $"{Number(first)}-{Number(first + count - 1)}";

    public static async Task<IReadOnlyList<ForwardRow>> ReadAsync(Invocation invocation, Network network, CancellationToken cancellationToken)
    {
        if (network.Spec.Forwards.Count == 0) return [];
        var cards = await invocation.Client.Networks.ListAddressesAsync(network.Id, cancellationToken).ToListAsync(cancellationToken);
        return [.. network.Spec.Forwards.OrderBy(forward => forward.Port).Select(Row)];

        ForwardRow Row(NetworkForward forward)
        {
            var card = cards.Where(card => card.Vm == forward.Vm).MinBy(card => card.Slot);
            return new(forward, card?.VmName ?? forward.Vm, $"{card?.Address ?? "(no card here)"}:{Ports(forward.VmPort, forward.Count)}");
        }
    }

    private static Command List()
    {
        var network = new Argument<string>("network");
        return CommandBuilder.Verb("list", "the ports that lead into a network", [network], async (invocation, cancellationToken) =>
        {
            var found = (await invocation.Client.Networks.GetAsync(invocation.Value(network), cancellationToken)).Value;
            if (invocation.Printer.Format is OutputFormat.Json or OutputFormat.Yaml)
            {
                var forwards = await invocation.Client.Networks.ListForwardsAsync(found.Id, cancellationToken).ToListAsync(cancellationToken);
                invocation.Printer.List(forwards, ApiJson.Default.NetworkForward, []);
                return;
            }

            invocation.Printer.Rows(await ReadAsync(invocation, found, cancellationToken), Columns);
        });
    }

    private static Command Add()
    {
        var network = new Argument<string>("network");
        var what = new Argument<string>("port:vm:port") { Description = "8080:web1:80, or 8000-8010:web1:8000" };
        var protocol = new Option<ForwardProtocol?>("--protocol") { Description = "tcp or udp (default: tcp)", HelpName = "tcp|udp" };
        var address = new Option<string?>("--address") { Description = "only at this address of the host", HelpName = "ip" };
        var source = new Option<string?>("--source") { Description = "only for who comes from here", HelpName = "cidr" };
        return CommandBuilder.Verb("add", "let a port of the host lead to a VM", [network, what, protocol, address, source], async (invocation, cancellationToken) =>
        {
            var create = Parse(invocation.Value(what)) with
            {
                Protocol = invocation.Value(protocol),
                Address = invocation.Value(address),
                Source = invocation.Value(source),
            };
            var made = await invocation.Client.Networks.AddForwardAsync(invocation.Value(network), create, cancellationToken);
            invocation.Say($"port {Ports(made.Port, made.Count)} leads to port {Ports(made.VmPort, made.Count)} of {create.Vm}");
        });
    }

    private static Command Remove()
    {
        var network = new Argument<string>("network");
        var port = new Argument<string>("port") { Description = "the (first) port on the host, or the forward's id" };
        var protocol = new Option<ForwardProtocol?>("--protocol") { Description = "tcp or udp", HelpName = "tcp|udp" };
        var address = new Option<string?>("--address") { Description = "the one at this address of the host", HelpName = "ip" };
        return CommandBuilder.Verb("remove", "take a forward away", [network, port, protocol, address], async (invocation, cancellationToken) =>
        {
            var name = invocation.Value(network);
            var asked = invocation.Value(port);
            var all = await invocation.Client.Networks.ListForwardsAsync(name, cancellationToken).ToListAsync(cancellationToken);
            var found = all.Where(forward => forward.Id == asked || Number(forward.Port) == asked.Split('-')[0])
                .Where(forward => invocation.Value(protocol) is not { } wanted || forward.Protocol == wanted)
                .Where(forward => invocation.Value(address) is not { } wanted || forward.Address == wanted)
                .ToList();
            if (found is not [var one])
            {
                throw found.Count == 0
                    ? new CliException(ExitCode.NotFound, $"no port {asked} leads into network {name}", $"lamina network forward list {name}")
                    : new CliException(ExitCode.Conflict, $"{found.Count} forwards of network {name} begin at port {asked}", "say which by --protocol or --address");
            }

            await invocation.Client.Networks.RemoveForwardAsync(name, one.Id, cancellationToken);
            invocation.Say($"port {Ports(one.Port, one.Count)} leads to no VM any more");
        });
    }

    /// <summary><c>8080:web1:80</c>, <c>8080:web1</c>, <c>8000-8010:web1:9000</c>.</summary>
    internal static ForwardCreate Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length is not (2 or 3) || parts[1].Length == 0) throw Malformed(text);
        var (first, count) = Range(parts[0], text);
        var target = parts.Length == 3 ? Range(parts[2], text) : (First: first, Count: count);
        if (target.Count != 1 && target.Count != count) throw new CliException(ExitCode.Usage, $"{text}: {count} ports cannot lead to {target.Count}", "name as many, or the first one only");
        return new ForwardCreate { Vm = parts[1], Port = first, Count = count == 1 ? null : count, VmPort = target.First };
    }

    private static (int First, int Count) Range(string text, string whole)
    {
        string[] ends = text.Split('-');
        var first = Port(ends[0], whole);
        var last = ends.Length == 1 ? first : Port(ends[^1], whole);
        return ends.Length <= 2 && last >= first ? (first, last - first + 1) : throw Malformed(whole);
    }

    private static int Port(string text, string whole) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : throw Malformed(whole);

    private static CliException Malformed(string text) => new(ExitCode.Usage, $"'{text}' is no forward", "write PORT:VM:PORT, for example 8080:web1:80 or 8000-8010:web1:8000");

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
