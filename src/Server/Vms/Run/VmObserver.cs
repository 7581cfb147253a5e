using System.Net;
using Lamina.Api;
using Lamina.Engine.Agent;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>Asks a running guest's agent from time to time what it is, where it can be reached, and whether it has booted anew.</summary>
internal sealed class VmObserver(VmWatch watch, IReadOnlyList<string> expected, Action<VmMessage> post, TimeProvider time)
{
    private const int MostAddresses = 16;
    private static readonly TimeSpan First = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private VmAgentStatus? _agent;
    private IReadOnlyList<string> _addresses = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (var pause = First; ; pause = pause * 2 < Longest ? pause * 2 : Longest)
            {
                await Task.Delay(pause, time, cancellationToken);
                await watch.RefreshAsync();
                await AskAsync(cancellationToken);
                post(new VmMessage.Observed(watch, new VmObservation { Addresses = _addresses.Count > 0 ? _addresses : expected, Agent = _agent }));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException)
        {
            // The VM has ended, or the daemon lets go of it.
        }
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        var agent = watch.Vm.Agent;
        try
        {
            var interfaces = await agent.NetworkInterfacesAsync(cancellationToken);
            var system = await OrNullAsync(() => agent.OsInfoAsync(cancellationToken));
            string? bootId = await OrNullAsync(() => agent.BootIdAsync(cancellationToken));
            _agent = new VmAgentStatus { Connected = true, OperatingSystem = system?.PrettyName ?? system?.Name, BootId = bootId };
            _addresses = AddressesOf(interfaces);
        }
        catch (Exception silent) when (silent is GuestAgentUnavailableException or GuestAgentErrorException)
        {
            // What it said last stays known: a guest that reboots must be recognised as the same run.
            if (_agent is not null) _agent = _agent with { Connected = false };
        }
    }

    /// <summary>Other systems' agents know fewer commands.</summary>
    private static async Task<T?> OrNullAsync<T>(Func<Task<T>> question)
        where T : class
    {
        try
        {
            return await question();
        }
        catch (GuestAgentErrorException)
        {
            return null;
        }
    }

    private static IReadOnlyList<string> AddressesOf(IReadOnlyList<GuestNetworkInterface> interfaces) =>
    [
        .. interfaces.SelectMany(card => card.IpAddresses ?? [])
            .Select(address => address.IpAddress)
            .Where(text => IPAddress.TryParse(text, out var address) && !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal)
            .Distinct()
            .Take(MostAddresses),
    ];
}
