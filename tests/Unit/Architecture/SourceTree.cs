using Lamina.Testing;

namespace Lamina.Tests.Unit.Architecture;

/// <summary>The repository's files, for the tests that guard its shape.</summary>
internal static class SourceTree
{
    private static readonly string[] Skipped = ["artifacts", "bin", "obj", "node_modules", "dist", ".git"];

    /// <summary>Every C# file of the product, parsed.</summary>
    public static IReadOnlyList<SourceFile> Product { get; } =
        [.. FilesIn("src", "*.cs").Select(path => SourceFile.Parse(path, Read(path)))];

    /// <summary>Files under a folder of the repository ("" = all of it), as relative paths with forward slashes, sorted.</summary>
    public static IEnumerable<string> FilesIn(string folder, string pattern) =>
        Directory.EnumerateFiles(Repository.PathOf(folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Where(path => !path.Split('/').Any(Skipped.Contains))
            .Order(StringComparer.Ordinal);

    public static string Read(string path) => File.ReadAllText(Repository.PathOf(path));

    public static bool Exists(string path) => Path.Exists(Repository.PathOf(path));
}
