using System.CommandLine;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary>The options that every command takes.</summary>
internal static class Globals
{
    public static readonly Option<OutputFormat> Format = new("--format", "-f")
    {
        Description = "table, json, yaml or csv",
        Recursive = true,
        HelpName = "table|json|yaml|csv",
    };

    public static readonly Option<string?> Project = new("--project") { Description = "the project (default: the context's, else default)", Recursive = true, HelpName = "name" };

    public static readonly Option<string?> Context = new("--context") { Description = "the server to speak to (see lamina context list)", Recursive = true, HelpName = "name" };

    public static readonly Option<bool> NoWait = new("--no-wait") { Description = "return as soon as the request is accepted", Recursive = true };

    public static readonly Option<bool> Wait = new("--wait") { Description = "wait until it is done (the default)", Recursive = true };

    public static readonly IReadOnlyList<Option> All = [Format, Project, Context, Wait, NoWait];
}
