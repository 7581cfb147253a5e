using System.Net;
using System.Net.Sockets;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Networks;

/// <summary>Which ports of the host may lead to VMs (pure: over what <see cref="NetworkWorld"/> shows).</summary>
internal static class ForwardRules
{
    public const int MostForwards = 100;

    /// <summary>Each port of a range that is shifted is a rule of its own.</summary>
    public const int MostPorts = 256;

    private const int LastPort = 65535;

    /// <exception cref="InputException">All problems.</exception>
    public static NetworkForward Create(ForwardCreate asked, CachedRecord<NetworkSpec> network, NetworkWorld world)
    {
        var problems = new InputProblems();
        if (network.Record.Kind != NetworkKind.Nat)
            problems.Add("$", "forward.kind", network.Record.Kind == NetworkKind.Bridge ? $"Guests of '{network.Record.Name}' stand in the LAN and are reached there: it needs no forwarding." : $"Network '{network.Record.Name}' is isolated: nothing leads into it.");
        if (network.Record.Forwards.Count >= MostForwards) problems.Add("$", "forward.tooMany", $"Network '{network.Record.Name}' has {MostForwards} forwards already: remove some, or use ranges.");
        var count = asked.Count ?? 1;
        if (count is < 1 or > MostPorts) problems.Add("$.count", "forward.count", $"{count} ports are out of bounds: 1 to {MostPorts}.");
        CheckPort("$.port", asked.Port, count, problems);
        CheckPort("$.vmPort", asked.VmPort ?? asked.Port, count, problems);
        var forward = new NetworkForward
        {
            Id = Guid.CreateVersion7().ToString(),
            Protocol = asked.Protocol ?? ForwardProtocol.Tcp,
            Address = HostAddress(asked.Address, problems),
            Port = asked.Port,
            Count = count,
            Vm = Vm(asked.Vm, network, world.Snapshot, problems) ?? "",
            VmPort = asked.VmPort ?? asked.Port,
            Source = Source(asked.Source, problems),
        };
        problems.ThrowIfAny();
        CheckClashes(forward, world, problems);
        problems.ThrowIfAny();
        return forward;
    }

    /// <summary>The other's connections would be ours, or ours its.</summary>
    public static bool Clash(NetworkForward one, NetworkForward other) =>
        one.Protocol == other.Protocol && one.Port < other.Port + other.Count && other.Port < one.Port + one.Count
        && (one.Address is null || other.Address is null || one.Address == other.Address);

    private static void CheckClashes(NetworkForward forward, NetworkWorld world, InputProblems problems)
    {
        var protocol = forward.Protocol.ToString().ToLowerInvariant();
        foreach (var network in world.Networks)
            foreach (var other in network.Record.Forwards.Where(other => Clash(forward, other)))
            {
                var vm = world.Snapshot.Get(Keys.Vms.Spec, other.Vm)?.Record.Name ?? other.Vm;
                problems.Add("$.port", "forward.taken", $"{protocol} port {other.Port} of this host leads to {vm} already (network '{network.Record.Name}'): choose another port, or remove that forward.");
            }

        if (world.Listeners.FirstOrDefault(listener => listener.ClashesWith(forward)) is { } used)
            problems.Add("$.port", "forward.portInUse", $"A program of this host waits on {protocol} port {used.Port} ({used.Address}) and would not be reached any more: choose another port, or an address of the host by 'address'. See which: ss -lnp 'sport = :{used.Port}'");
    }

    private static void CheckPort(string path, int port, int count, InputProblems problems)
    {
        if (port < 1 || port + (long)Math.Max(count, 1) - 1 > LastPort) problems.Add(path, "forward.port", $"{(count > 1 ? $"{port} to {port + (long)count - 1} are" : $"{port} is")} out of bounds: ports are 1 to {LastPort}.");
    }

    private static string? HostAddress(string? asked, InputProblems problems)
    {
        if (asked is null) return null;
        if (Subnet.Normalize(asked) is not { } address)
        {
            problems.Add("$.address", "forward.address", $"'{Suggestions.Shorten(asked)}' is no IPv4 address of this host.");
            return null;
        }

        if (IPAddress.IsLoopback(IPAddress.Parse(address)) || address == "0.0.0.0")
            problems.Add("$.address", "forward.address", $"{address} cannot lead to a guest: name an address that others reach this host by, or none for all of them.");
        return address;
    }

    private static string? Source(string? asked, InputProblems problems)
    {
        if (asked is null) return null;
        var text = asked.Contains('/', StringComparison.Ordinal) ? asked : $"{asked}/32";
        if (IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork) return network.ToString();
        problems.Add("$.source", "forward.source", $"'{Suggestions.Shorten(asked)}' is no IPv4 network: write for example 203.0.113.0/24.");
        return null;
    }

    /// <summary>In the network's project; by its id also elsewhere, since networks of the default project serve all.</summary>
    private static string? Vm(string asked, CachedRecord<NetworkSpec> network, CacheSnapshot snapshot, InputProblems problems)
    {
        var vm = snapshot.TryFind(Keys.Vms.Spec, "vm", network.Record.Project, asked) ?? snapshot.Get(Keys.Vms.Spec, asked);
        if (vm is null) problems.Add("$.vm", "vm.notFound", $"There is no VM '{Suggestions.Shorten(asked)}' in project '{network.Record.Project}': one of another project is named by its id.");
        else if (!vm.Record.Nics.Any(nic => nic.Network == network.Id && nic.Address is not null))
            problems.Add("$.vm", "forward.noCard", $"VM '{vm.Record.Name}' has no card in network '{network.Record.Name}'.");
        else if (vm.Record.Deleting is not null) problems.Add("$.vm", "vm.deleting", $"VM '{vm.Record.Name}' is being deleted.");
        return vm?.Id;
    }
}
