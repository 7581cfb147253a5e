using System.Text.RegularExpressions;

namespace Lamina.Tests.Unit.Architecture;

public sealed partial class HygieneTests
{
    private const int MaxLines = 600;

    [Fact]
    public void No_source_file_is_too_long_for_one_noun() =>
        Expect.None(SourceTree.Product.Where(file => file.Lines > MaxLines).Select(file => $"{file.Path}: {file.Lines} lines"));

    /// <summary>Tests alone may look for media that lie beside the repository; they skip where there are none.</summary>
    [Fact]
    public void Nothing_but_tests_reaches_outside_of_the_repository() =>
        Expect.None(Texts().Where(file => !file.Path.StartsWith("tests/", StringComparison.Ordinal) && file.Text.Contains("../shared", StringComparison.Ordinal))
            .Select(file => file.Path));

    [Fact]
    public void No_file_names_a_path_of_a_developers_machine() =>
        Expect.None(Texts().SelectMany(file => MachinePath().Matches(file.Text).Select(match => $"{file.Path}: {match.Value}")));

    /// <summary>What .editorconfig asks of every file.</summary>
    [Fact]
    public void Lines_end_where_their_text_ends_and_files_with_a_newline() =>
        Expect.None(Texts().Where(file => file.Path != "LICENSE").SelectMany(file => Untidy(file.Text).Select(what => $"{file.Path}: {what}")));

    /// <summary>`./dev test` compares the reasons of real skips; this finds the declaration that was forgotten before anything is skipped.</summary>
    [Fact]
    public void Every_class_that_can_skip_is_declared_and_nothing_else_is()
    {
        var declared = SourceTree.Read("tests/expected-skips.txt").Split('\n').Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(':')[0]).Select(test => test[..test.LastIndexOf('.')]).Distinct();
        var able = SourceTree.FilesIn("tests", "*.cs").Where(path => !path.StartsWith("tests/Unit/Architecture/", StringComparison.Ordinal))
            .Where(path => Skip().IsMatch(SourceTree.Read(path)))
            .Select(path => SourceFile.Parse(path, SourceTree.Read(path))).Select(file => $"{file.Namespace}.{file.Types.First()}").Distinct();
        Assert.Equal(able.Order(StringComparer.Ordinal), declared.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Untidy(string text)
    {
        if (text.Length > 0 && !text.EndsWith('\n')) yield return "no newline at its end";
        if (text.Contains('\r', StringComparison.Ordinal)) yield return "a carriage return";
        foreach (var (number, line) in text.Split('\n').Index())
            if (line.EndsWith(' ') || line.EndsWith('\t')) yield return $"line {number + 1} ends with a space";
    }

    private static IEnumerable<(string Path, string Text)> Texts() =>
        SourceTree.FilesIn("", "*").Where(path => !path.EndsWith(".qcow2", StringComparison.Ordinal) && path != "tests/Unit/Architecture/HygieneTests.cs")
            .Select(path => (path, SourceTree.Read(path)));

    [GeneratedRegex(@"/work/\w+|/home/[a-z]\w*/\w+|/root/\w+|/tmp/lead")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\bAssert\.Skip(?:When|Unless)?\(|\bSkip(?:When|Unless)?\s*=")]
    private static partial Regex Skip();
}
