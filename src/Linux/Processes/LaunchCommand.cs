using System.Globalization;

namespace Lamina.Linux.Processes;

/// <summary>
/// Which program is really started for a <see cref="ChildSpec"/>. A cgroup v2 or a systemd scope is entered, limits are set and a uid is dropped, by small
/// programs that then become the wanted one: the pid stays the same, and no code of ours runs between fork and exec.
/// </summary>
internal static class LaunchCommand
{
    private static readonly string[] Launchers = ["setpriv", "prlimit", "sh", "systemd-run"];

    /// <returns>The path to execute and all of argv.</returns>
    public static IReadOnlyList<string> For(ChildSpec spec, string program)
    {
        var command = new List<string>();
        if (spec.Cgroup?.ProcessFile is { } processFile)
            command.AddRange([Programs.Require("sh"), "-c", "echo 0 > \"$0\" && exec \"$@\"", processFile]);
        if (spec.Cgroup is { Launcher.Count: > 0 } placement) command.AddRange(placement.Launcher);
        if (spec.Limits is { } limits) command.AddRange([Programs.Require("prlimit"), .. limits.ToArguments(), "--"]);
        if (spec.User is { } user) command.AddRange(DropTo(user));
        return [.. command, program, .. spec.Arguments];
    }

    /// <summary>Whether a child may still be running this on its way to its own program.</summary>
    public static bool IsLauncher(string executable) =>
        Launchers.Any(launcher => Programs.Find(launcher) == executable);

    /// <summary>
    /// No capability remains but those named, not even for a set-uid program in the child (no_new_privs); both uids and gids are replaced and all groups
    /// gone.
    /// </summary>
    private static IEnumerable<string> DropTo(ChildUser user)
    {
        var capabilities = string.Concat("-all", string.Concat(user.Capabilities.Select(name => ",+" + name)));
        return
        [
            Programs.Require("setpriv"),
            "--reuid=" + Text(user.UserId),
            "--regid=" + Text(user.GroupId),
            user.SupplementaryGroups.Count == 0 ? "--clear-groups" : "--groups=" + string.Join(',', user.SupplementaryGroups.Select(Text)),
            "--no-new-privs",
            "--inh-caps=" + capabilities,
            "--bounding-set=" + capabilities,
            .. user.Capabilities.Count == 0 ? [] : new[] { "--ambient-caps=" + capabilities },
            "--",
        ];
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
