using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary>Lists of what VMs stand on: networks, projects.</summary>
internal static class ResourceCommands
{
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
        CommandBuilder.Noun("network", "virtual networks", CommandBuilder.Verb("list", "the networks of the project", [], async (invocation, cancellationToken) =>
            invocation.Printer.List(
                await invocation.Client.Networks.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Network, NetworkColumns))),
        CommandBuilder.Noun("project", "groups of objects and rights", CommandBuilder.Verb("list", "the projects", [], async (invocation, cancellationToken) =>
            invocation.Printer.List(
                await invocation.Client.Projects.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Project, ProjectColumns))),
    ];
}
