using System.CommandLine;

namespace Lamina.Cli;

/// <summary>Options that several verbs share.</summary>
internal static class SharedOptions
{
    /// <summary>For answers that are one host's own: any member is asked, and has that host answer.</summary>
    public static Option<string?> Host() => new("--host") { Description = "the host that answers (default: the one that is asked)", HelpName = "name" };

    public static Option<bool> Yes() => new("--yes", "-y") { Description = "do not ask" };
}
