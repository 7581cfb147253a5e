using System.CommandLine;

namespace Lamina.Cli;

/// <summary>Options that several verbs share.</summary>
internal static class SharedOptions
{
    public static Option<bool> Yes() => new("--yes", "-y") { Description = "do not ask" };
}
