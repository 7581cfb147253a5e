using System.CommandLine;
using System.Reflection;

namespace Lamina.Cli.Manual;

/// <summary><c>lamina manual FOLDER</c>: writes the manual pages, for packages.</summary>
internal static class ManualCommand
{
    public static Command Build(RootCommand root)
    {
        var folder = new Argument<string>("folder") { Description = "where to; it is made" };
        var command = CommandBuilder.Verb("manual", "write the manual pages of these commands", [folder], (invocation, _) =>
        {
            var target = Directory.CreateDirectory(TextFile.FullPath(invocation.Value(folder))).FullName;
            string version = (typeof(ManualCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+')[0];
            foreach (var (name, page) in Pages(root, version)) File.WriteAllText(Path.Combine(target, name), page);
            return Task.CompletedTask;
        });
        command.Hidden = true;
        return command;
    }

    /// <summary>File names with their content.</summary>
    public static IEnumerable<(string Name, string Page)> Pages(RootCommand root, string version) =>
    [
        ("lamina.1", ManualPage.Overview(root, version)),
        .. ManualPage.Shown(root).Where(command => ManualPage.Shown(command).Any()).Select(noun => ($"lamina-{noun.Name}.1", ManualPage.Noun(noun, version))),
    ];
}
