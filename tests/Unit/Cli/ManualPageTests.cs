using System.CommandLine;
using Lamina.Cli;
using Lamina.Cli.Manual;
using Xunit;

namespace Lamina.Tests.Unit.Cli;

public class ManualPageTests
{
    private static readonly RootCommand Root = Commands.Build();

    [Fact]
    public void Every_command_says_what_it_is() =>
        Assert.Empty(All(Root).Where(command => string.IsNullOrWhiteSpace(command.Description)).Select(command => command.Name));

    [Fact]
    public void Every_option_says_what_it_is() =>
        Assert.Empty(All(Root).SelectMany(command => command.Options.Where(option => !option.Hidden && string.IsNullOrWhiteSpace(option.Description)).Select(option => $"{command.Name} {option.Name}")));

    [Fact]
    public void Every_noun_has_a_page_with_all_of_its_verbs()
    {
        var pages = ManualCommand.Pages(Root, "1.0").ToDictionary(page => page.Name, page => page.Page);
        foreach (var noun in ManualPage.Shown(Root).Where(noun => ManualPage.Shown(noun).Any()))
        {
            foreach (var verb in ManualPage.Shown(noun))
                Assert.Contains($@".SS {noun.Name} {verb.Name}".Replace("-", @"\-", StringComparison.Ordinal), pages[$"lamina-{noun.Name}.1"], StringComparison.Ordinal);
        }
    }

    /// <summary>A line with any other request would be swallowed by the formatter.</summary>
    [Fact]
    public void Only_our_own_requests_stand_at_the_beginning_of_a_line()
    {
        string[] known = [".TH", ".SH", ".SS", ".TP", ".B", ".br"];
        var lines = ManualCommand.Pages(Root, "1.0").SelectMany(page => page.Page.Split('\n'));
        Assert.DoesNotContain(lines, line => line is ['.' or '\'', ..] && !known.Contains(line.Trim().Split(' ')[0]));
    }

    private static IEnumerable<Command> All(Command command) => ManualPage.Shown(command).SelectMany(inner => All(inner).Prepend(inner));
}
