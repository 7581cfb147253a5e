using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary>Lists of what VMs stand on: pools, disks, networks, projects.</summary>
internal static class ResourceCommands
{
    private static readonly IReadOnlyList<Column<Pool>> PoolColumns =
    [
        new("name", p => p.Name),
        new("kind", p => p.Spec.Kind.ToString().ToLowerInvariant()),
        new("path", p => p.Spec.Path),
        new("total", p => p.Status is { } s ? Sizes.Format(s.TotalBytes) : null, AlignRight: true),
        new("free", p => p.Status is { } s ? Sizes.Format(s.FreeBytes) : null, AlignRight: true),
        new("provisioned", p => p.Status is { } s ? Sizes.Format(s.ProvisionedBytes) : null, AlignRight: true),
        new("allocated", p => p.Status is { } s ? Sizes.Format(s.AllocatedBytes) : null, AlignRight: true),
        new("failure", p => p.Status?.Failure?.Message),
    ];

    private static IReadOnlyList<Column<Disk>> DiskColumns(ObjectNames vms) =>
    [
        new("name", d => d.Name),
        new("vm", d => d.Spec.Vm is { } vm ? vms.Of(vm) : null),
        new("size", d => Sizes.Format(d.Spec.SizeBytes), AlignRight: true),
        new("allocated", d => d.Status is { } s ? Sizes.Format(s.AllocatedBytes) : null, AlignRight: true),
        new("format", d => d.Spec.Format.ToString().ToLowerInvariant()),
        new("state", d => (d.Status?.State ?? ContentState.Preparing).ToString().ToLowerInvariant()),
        new("id", d => d.Id),
    ];

    private static readonly IReadOnlyList<Column<Network>> NetworkColumns =
    [
        new("name", n => n.Name),
        new("kind", n => n.Spec.Kind.ToString().ToLowerInvariant()),
        new("subnet", n => n.Spec.Subnet),
        new("mtu", n => n.Spec.Mtu.ToString(), AlignRight: true),
        new("bridge", n => n.Status?.Bridge),
        new("state", n => n.Status is { Up: true } ? "up" : "down"),
        new("failure", n => n.Status?.Failure?.Message),
    ];

    private static readonly IReadOnlyList<Column<Project>> ProjectColumns = [new("name", p => p.Name), new("description", p => p.Description)];

    public static IEnumerable<Command> Build() =>
    [
        CommandBuilder.Noun("pool", "where disks live", CommandBuilder.Verb("list", "the pools, and their room", [], async (invocation, cancellationToken) =>
            invocation.Printer.List(await invocation.Client.Pools.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Pool, PoolColumns))),
        CommandBuilder.Noun("disk", "virtual disks", CommandBuilder.Verb("list", "the disks of the project", [], ListDisksAsync)),
        CommandBuilder.Noun("network", "virtual networks", CommandBuilder.Verb("list", "the networks of the project", [], async (invocation, cancellationToken) =>
            invocation.Printer.List(
                await invocation.Client.Networks.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Network, NetworkColumns))),
        CommandBuilder.Noun("project", "groups of objects and rights", CommandBuilder.Verb("list", "the projects", [], async (invocation, cancellationToken) =>
            invocation.Printer.List(
                await invocation.Client.Projects.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Project, ProjectColumns))),
    ];
    private static async Task ListDisksAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var vms = await ObjectNames.OfVmsAsync(invocation.Client, cancellationToken);
        var disks = await invocation.Client.Disks.ListAsync(cancellationToken).ToListAsync(cancellationToken);
        invocation.Printer.List(disks, ApiJson.Default.Disk, DiskColumns(vms));
    }
}
