using System.CommandLine;

namespace Lamina.Cli;

/// <summary>Options that several verbs share.</summary>
internal static class Options
{
    public static Option<bool> Yes() => new("--yes", "-y") { Description = "do not ask" };
}
