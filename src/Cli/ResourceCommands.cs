using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary>Lists of what VMs stand on: projects.</summary>
internal static class ResourceCommands
{
    private static readonly IReadOnlyList<Column<Project>> ProjectColumns = [new("name", p => p.Name), new("description", p => p.Description)];

    public static IEnumerable<Command> Build() =>
    [
        CommandBuilder.Noun("project", "groups of objects and rights", CommandBuilder.Verb("list", "the projects", [], async (invocation, cancellationToken) =>
            invocation.Printer.List(
                await invocation.Client.Projects.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Project, ProjectColumns))),
    ];
}
