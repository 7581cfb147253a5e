using System.CommandLine;
using System.Text;

namespace Lamina.Cli.Manual;

/// <summary>
/// Writes manual pages (man(7)) from the commands themselves, so that they never fall behind: <c>lamina(1)</c>, and one for each noun, <c>lamina-vm(1)</c>.
/// Pure.
/// </summary>
internal static class ManualPage
{
    /// <summary>The overview: every noun, the options of all commands, exit codes, environment, files.</summary>
    public static string Overview(RootCommand root, string version)
    {
        var page = Begin("LAMINA", version, "lamina", root.Description!.Split(": ")[^1]);
        Section(page, "SYNOPSIS");
        page.AppendLine(@".B lamina").AppendLine(@"\fINOUN\fR \fIVERB\fR [\fINAME\fR] [\fIOPTIONS\fR]");
        Section(page, "COMMANDS");
        foreach (var command in Shown(root)) Entry(page, $@"\fBlamina {Text(command.Name)}\fR{(Shown(command).Any() ? " \\fIVERB\\fR" : "")}", Pointer(command));
        Section(page, "OPTIONS OF ALL COMMANDS");
        foreach (var option in Globals.All) Option(page, option);
        Section(page, "EXIT STATUS");
        foreach (var code in Enum.GetValues<ExitCode>()) Entry(page, $@"\fB{(int)code}\fR", Words(code));
        Section(page, "ENVIRONMENT");
        Entry(page, @"\fBLAMINA_CONTEXT\fR", "the context to use, unless --context names one");
        Entry(page, @"\fBLAMINA_SOCKET\fR", "the local socket of the daemon to speak to");
        Entry(page, @"\fBLAMINA_INSTANCE\fR", "the instance whose local socket is used");
        Entry(page, @"\fBNO_COLOR\fR", "no colours");
        Section(page, "FILES");
        Entry(page, @"\fI/run/lamina/lamina.sock\fR", "where the daemon of this machine answers root and the group lamina");
        Entry(page, @"\fI~/.config/lamina/contexts.json\fR", "servers and tokens; nobody else may read it");
        Section(page, "SEE ALSO");
        page.AppendLine(string.Join(", ", Shown(root).Where(command => Shown(command).Any()).Select(command => $@"\fBlamina-{Text(command.Name)}\fR(1)")) + @", \fBlaminad\fR(8)");
        return page.ToString();
    }

    /// <summary>A noun with all of its verbs.</summary>
    public static string Noun(Command noun, string version)
    {
        var page = Begin($"LAMINA-{noun.Name.ToUpperInvariant()}", version, $"lamina-{noun.Name}", noun.Description ?? "");
        Section(page, "SYNOPSIS");
        foreach (var (words, verb) in Verbs(noun, $"lamina {noun.Name}")) page.AppendLine(Synopsis(words, verb)).AppendLine(".br");
        Section(page, "VERBS");
        foreach (var (words, verb) in Verbs(noun, $"lamina {noun.Name}"))
        {
            page.AppendLine($".SS {Text(words["lamina ".Length..])}").AppendLine(Sentence(verb.Description));
            foreach (var argument in verb.Arguments.Where(argument => argument.Description is not null)) Entry(page, $@"\fI{Text(argument.Name)}\fR", argument.Description!);
            foreach (var option in verb.Options.Where(option => !option.Hidden && option.Name is not ("--help" or "--version"))) Option(page, option);
        }

        Section(page, "SEE ALSO");
        page.AppendLine(@"\fBlamina\fR(1), for the options of all commands and the exit codes");
        return page.ToString();
    }

    /// <summary>Commands that a page is written of.</summary>
    public static IEnumerable<Command> Shown(Command command) => command.Subcommands.Where(inner => !inner.Hidden);

    private static IEnumerable<(string Words, Command Verb)> Verbs(Command command, string words) => Shown(command)
        .SelectMany(inner => Shown(inner).Any() ? Verbs(inner, $"{words} {inner.Name}") : [($"{words} {inner.Name}", inner)]);

    private static string Synopsis(string words, Command verb)
    {
        var line = new StringBuilder($@"\fB{Text(words)}\fR");
        foreach (var argument in verb.Arguments)
            line.Append(argument.Arity.MinimumNumberOfValues == 0 ? $@" [\fI{Text(argument.Name)}\fR]" : $@" \fI{Text(argument.Name)}\fR").Append(argument.Arity.MaximumNumberOfValues > 1 ? "..." : "");
        return verb.Options.Any(option => !option.Hidden && option.Name is not ("--help" or "--version")) ? line.Append(@" [\fIOPTIONS\fR]").ToString() : line.ToString();
    }

    private static StringBuilder Begin(string title, string version, string name, string description) => new StringBuilder()
        .AppendLine($".TH {Text(title)} 1 \"\" \"Lamina {Text(version)}\" \"Lamina\"")
        .AppendLine(".SH NAME").AppendLine($@"{Text(name)} \- {Text(description)}");

    private static void Section(StringBuilder page, string title) => page.AppendLine($".SH {title}");

    private static void Entry(StringBuilder page, string formatted, string words) => page.AppendLine(".TP").AppendLine(formatted).AppendLine(Guarded(Text(words)));

    private static void Option(StringBuilder page, Option option)
    {
        string names = string.Join(", ", option.Aliases.Prepend(option.Name).Distinct().Select(name => $@"\fB{Text(name)}\fR"));
        bool takesValue = option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool);
        Entry(page, takesValue ? $@"{names} \fI{Text(option.HelpName ?? "value")}\fR" : names, option.Description ?? "");
    }

    private static string Pointer(Command command) => Shown(command).Any() ? $"{command.Description}; see lamina-{command.Name}(1)" : command.Description ?? "";

    private static string Words(ExitCode code) => code switch
    {
        ExitCode.Done => "done",
        ExitCode.Failed => "it failed, or was cancelled",
        ExitCode.Usage => "the command or its input makes no sense",
        ExitCode.NotFound => "there is no such object",
        ExitCode.Conflict => "the object's state forbids it, or its name is taken",
        ExitCode.Denied => "no log-in, or no right to it",
        ExitCode.Unreachable => "the daemon cannot be reached",
        _ => "it did not come to its end in time",
    };

    private static string Sentence(string? words) => words is null or "" ? "" : Guarded(Text(char.ToUpperInvariant(words[0]) + words[1..] + (words[^1] == '.' ? "" : ".")));

    /// <summary>A line that begins with a dot or an apostrophe would be a request of the formatter.</summary>
    private static string Guarded(string line) => line is ['.' or '\'', ..] ? @"\&" + line : line;

    private static string Text(string text) => text.Replace(@"\", @"\e", StringComparison.Ordinal).Replace("-", @"\-", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
