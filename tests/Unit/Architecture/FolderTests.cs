namespace Lamina.Tests.Unit.Architecture;

public sealed class FolderTests
{
    /// <summary>The server's rooms have an order of their own, which is stricter.</summary>
    [Theory]
    [InlineData("Api")]
    [InlineData("Cli")]
    [InlineData("Engine")]
    [InlineData("Linux")]
    public void Folders_of_a_project_do_not_use_each_other_in_a_circle(string project) =>
        Expect.None(Circle([.. SourceTree.Product.Where(file => file.Path.StartsWith($"src/{project}/", StringComparison.Ordinal))]) is { } circle ? [circle] : []);

    [Fact]
    public void A_circle_is_seen()
    {
        var first = SourceFile.Parse("A/A.cs", "using L.B; namespace L.A; class A { B? b; }");
        var second = SourceFile.Parse("B/B.cs", "namespace L.B; class B { Root? root; }");
        var basis = SourceFile.Parse("Root.cs", "namespace L; class Root;");
        var top = SourceFile.Parse("Root.cs", "namespace L; class Root { A.A? a; }");
        Assert.Null(Circle([first, second, basis]));
        Assert.Equal("L (top) → L.A → L.B → L (top)", Circle([first, second, top]));
    }

    /// <summary>A folder may also just sort the files of its project's namespace; a room of the server is always a namespace.</summary>
    [Fact]
    public void Namespaces_are_folders() =>
        Expect.None(SourceTree.Product.Where(file => file.Namespace != "" && file.Namespace != NamespaceOf(file.Path))
            .Where(file => file.Namespace != ProjectOf(file.Path) || file.Path.StartsWith("src/Server/", StringComparison.Ordinal))
            .Select(file => $"{file.Path} says {file.Namespace}"));

    private static string ProjectOf(string path) => $"Lamina.{path.Split('/')[1]}";

    private static string NamespaceOf(string path) => "Lamina." + string.Join('.', path.Split('/')[1..^1]);

    /// <returns>The folders of one circle, or null.</returns>
    private static string? Circle(SourceFile[] files)
    {
        var top = Top(files);
        string FolderOf(SourceFile file) => top.Contains(file) ? $"{file.Namespace} (top)" : file.Namespace;
        var uses = files.SelectMany(_ => files, (file, other) => (file, other))
            .Where(pair => FolderOf(pair.file) != FolderOf(pair.other) && pair.file.Uses(pair.other))
            .ToLookup(pair => FolderOf(pair.file), pair => FolderOf(pair.other));
        return files.Select(FolderOf).Distinct().Order(StringComparer.Ordinal)
            .Select(start => PathBack(start, [start], uses)).FirstOrDefault(path => path is not null);
    }

    /// <summary>
    /// Of the files beside folders, those that use one of them, or use a file that does, lie above them all; the others are a basis for all.
    /// </summary>
    private static HashSet<SourceFile> Top(SourceFile[] files)
    {
        bool IsWithin(SourceFile inner, SourceFile outer) => inner.Namespace.StartsWith(outer.Namespace + ".", StringComparison.Ordinal);
        var top = files.Where(file => files.Any(other => IsWithin(other, file) && file.Uses(other))).ToHashSet();
        while (true)
        {
            var more = files.Where(file => !top.Contains(file) && top.Any(other => other.Namespace == file.Namespace && file.Uses(other))).ToArray();
            if (more.Length == 0) return top;
            top.UnionWith(more);
        }
    }

    private static string? PathBack(string start, string[] path, ILookup<string, string> uses)
    {
        foreach (var next in uses[path[^1]].Distinct())
        {
            if (next == start) return string.Join(" → ", [.. path, start]);
            if (!path.Contains(next) && PathBack(start, [.. path, next], uses) is { } circle) return circle;
        }

        return null;
    }
}
