using System.Text.RegularExpressions;

namespace Lamina.Tests.Unit.Architecture;

/// <summary>The documents for people tell the truth about what exists.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents => [.. new[] { "ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "README.ko.md" }.Where(SourceTree.Exists)];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_path_in_backticks_exists(string document) =>
        Assert.All(PathsIn(SourceTree.Read(document)).Distinct(), path => Assert.True(SourceTree.Exists(path), path));

    [Fact]
    public void The_architecture_names_every_project() =>
        Assert.All(
            SourceTree.FilesIn("", "*.csproj").Select(path => $"`{Path.GetDirectoryName(path)}`"),
            folder => Assert.Contains(folder, SourceTree.Read("ARCHITECTURE.md"), StringComparison.Ordinal));

    [Fact]
    public void The_architecture_lists_the_rooms_that_exist_and_no_other_in_their_order() =>
        Assert.Equal(
            Rooms.InOrder.Where(room => SourceTree.Exists($"src/Server/{room}")),
            RoomRow().Matches(SourceTree.Read("ARCHITECTURE.md")).Select(row => row.Groups[1].Value).Where(name => name != "room"));

    [Fact]
    public void Paths_are_told_from_other_words() =>
        Assert.Equal(
            ["src/Api", "tests/Unit/X.cs", "docs/decisions"],
            PathsIn("`src/Api`, `tests/Unit/X.cs:12` and `docs/decisions/`; not `vms/<id>/spec`, `src/*/X.cs`, `/v1/vms`, tests/None"));

    private static IEnumerable<string> PathsIn(string text) => QuotedPath().Matches(text).Select(match => match.Groups[1].Value.TrimEnd('/'));

    /// <summary>A path from one of the repository's folders on; one with a placeholder names no file.</summary>
    [GeneratedRegex(@"`((?:src|tests|web|bench|installer|docs|dev\.d|\.ci)/[A-Za-z0-9_./-]*)(?::\d+)?`")]
    private static partial Regex QuotedPath();

    [GeneratedRegex(@"^\| ((?:[A-Z][a-z]+)+|room) \|", RegexOptions.Multiline)]
    private static partial Regex RoomRow();
}
