using System.Text.RegularExpressions;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Architecture;

/// <summary>The user guide in both languages: the same pages with the same commands.</summary>
public sealed partial class GuideTests
{
    private static readonly string Guide = Path.Join(Repository.Root, "docs", "guide");

    private static IEnumerable<string> Pages(string folder) => Directory.EnumerateFiles(Path.Join(Guide, folder), "*.md").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal);

    [Fact]
    public void Both_languages_have_the_same_pages() => Assert.Equal(Pages(""), Pages("ko"));

    [Fact]
    public void Both_languages_show_the_same_commands() =>
        Expect.None(Pages("").Where(page => !Blocks(page).SequenceEqual(Blocks(Path.Join("ko", page)))).Select(page => $"{page}: the blocks of code differ"));

    [Fact]
    public void The_index_names_every_page() =>
        Expect.None(Pages("").Where(page => page != "README.md" && !File.ReadAllText(Path.Join(Guide, "README.md")).Contains($"]({page})", StringComparison.Ordinal)));

    [Fact]
    public void Links_between_pages_lead_somewhere() =>
        Expect.None(from page in Pages("").Concat(Pages("ko").Select(page => Path.Join("ko", page)))
            from Match link in Links().Matches(File.ReadAllText(Path.Join(Guide, page)))
            where !File.Exists(Path.GetFullPath(Path.Join(Guide, Path.GetDirectoryName(page), link.Groups[1].Value)))
            select $"{page} names {link.Groups[1].Value}");

    private static IEnumerable<string> Blocks(string page) => Code().Matches(File.ReadAllText(Path.Join(Guide, page))).Select(block => block.Value);

    [GeneratedRegex("^ *```.*?^ *```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\(([^)#:]+\.md)[^)]*\)")]
    private static partial Regex Links();
}
