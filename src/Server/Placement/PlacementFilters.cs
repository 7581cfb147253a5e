using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>One reason for which a host can be turned away. Cheap to ask; words are made on demand.</summary>
/// <param name="Code">Stable, such as <c>placement.memory</c>.</param>
/// <param name="Rejects">Whether it turns the host away.</param>
/// <param name="Explain">Why, and what to do.</param>
internal sealed record PlacementFilter(
    string Code, Func<PlacementRequest, PlacementHost, bool> Rejects, Func<PlacementRequest, PlacementHost, (string Message, string Remedy)> Explain)
{
    public Failure Reason(PlacementRequest request, PlacementHost host)
    {
        var (message, remedy) = Explain(request, host);
        return new Failure { Code = Code, Message = message, Remedy = remedy };
    }
}

/// <summary>What a host must have (pure). A host that lacks free memory at the moment is not turned away here: see <see cref="Placer"/>.</summary>
internal static class PlacementFilters
{
    /// <summary>In the order in which they are tried: those that turn away most for the least work first.</summary>
    public static IReadOnlyList<PlacementFilter> All { get; } =
    [
        new(
            "placement.closed",
            (_, host) => host.Closed is not null,
            (_, host) => ($"Host '{host.Name}' takes no VMs now: {host.Closed}.", $"See: lamina host show {host.Name}.")),
        new(
            "placement.memory",
            (request, host) => VmFootprint.Admission(request.MemoryMiB, host.Accelerator) > host.MemoryMiB,
            (request, host) => (
                $"Host '{host.Name}' has {host.MemoryMiB} MiB, VM '{request.Name}' needs {VmFootprint.Admission(request.MemoryMiB, host.Accelerator)} MiB there.",
                "Give the VM less memory.")),
        new(
            "placement.machineType",
            (request, host) => request.MachineType is { } type && host.MachineTypes?.Contains(type) == false,
            (request, host) => ($"QEMU on host '{host.Name}' has no machine '{request.MachineType}'.", "Upgrade QEMU there.")),
        new(
            "placement.cpuModel",
            (request, host) => request.CpuModel is { } model && host.CpuModels?.Contains(model) == false,
            (request, host) => ($"Host '{host.Name}' does not offer CPU model '{request.CpuModel}' whole.", "Make VMs with a model that every host has: lamina placement show says which.")),
        new(
            "placement.pool",
            (request, host) => host.Pools is { } reached && !request.Pools.All(reached.Contains),
            (request, host) => ($"Host '{host.Name}' does not reach the pool of the disks of VM '{request.Name}'.", "Move them to a pool that it reaches: lamina disk move, or take them along: lamina vm migrate --with-storage.")),
        new(
            "placement.network",
            (request, host) => host.MissingNetworks.Count > 0 && request.Networks.Any(host.MissingNetworks.ContainsKey),
            (request, host) => (
                $"Host '{host.Name}' cannot offer VM '{request.Name}' its networks: {string.Join(" ", request.Networks.Where(host.MissingNetworks.ContainsKey).Select(network => host.MissingNetworks[network]))}",
                "See how a network stands on each host: lamina network show NETWORK.")),
    ];

    public static string RuleCode => "placement.rule";
}
