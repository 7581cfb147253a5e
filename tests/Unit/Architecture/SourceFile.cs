using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Lamina.Tests.Unit.Architecture;

/// <summary>
/// What one C# file declares and names, read from its syntax alone: enough to see which folders use which, without compiling anything.
/// </summary>
internal sealed record SourceFile
{
    /// <summary>Relative to the repository, or a made-up one in tests.</summary>
    public required string Path { get; init; }

    public required string Namespace { get; init; }

    public required int Lines { get; init; }

    /// <summary>The types that it declares at its top level.</summary>
    public required IReadOnlySet<string> Types { get; init; }

    /// <summary>The namespaces of its using directives, `using static` and aliases included (there with the type's name).</summary>
    public required IReadOnlySet<string> Usings { get; init; }

    /// <summary>Every identifier; of `a.B` both. Comments and strings have none.</summary>
    public required IReadOnlySet<string> Identifiers { get; init; }

    /// <summary>Every dotted name as written: `Lamina.Server.Store.Keys`, `Store.Keys.Of`.</summary>
    public required IReadOnlySet<string> DottedNames { get; init; }

    public static SourceFile Parse(string path, string text)
    {
        var root = CSharpSyntaxTree.ParseText(text).GetCompilationUnitRoot();
        var types = root.DescendantNodes().OfType<MemberDeclarationSyntax>()
            .Where(member => member.Parent is BaseNamespaceDeclarationSyntax or CompilationUnitSyntax)
            .Select(member => member switch
            {
                BaseTypeDeclarationSyntax type => type.Identifier.Text,
                DelegateDeclarationSyntax type => type.Identifier.Text,
                _ => null,
            });
        return new SourceFile
        {
            Path = path,
            Namespace = root.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString() ?? "",
            Lines = text.AsSpan().Count('\n'),
            Types = types.OfType<string>().ToHashSet(),
            Usings = root.DescendantNodes().OfType<UsingDirectiveSyntax>().Select(use => use.NamespaceOrType.ToString()).ToHashSet(),
            Identifiers = root.DescendantNodes().OfType<SimpleNameSyntax>().Select(name => name.Identifier.Text).ToHashSet(),
            DottedNames = root.DescendantNodes().Where(node => node is QualifiedNameSyntax or MemberAccessExpressionSyntax)
                .Select(node => node.ToString()).ToHashSet(),
        };
    }

    /// <summary>
    /// Whether this file uses a type of another: it names one, and could mean it, since the other's namespace is imported, encloses its own, or is
    /// written out (whole, or from a common ancestor on).
    /// </summary>
    public bool Uses(SourceFile other) =>
        other.Types.Any(type => Identifiers.Contains(type) && (Sees(other.Namespace) || Usings.Contains($"{other.Namespace}.{type}")
            || DottedNames.Any(name => Means(name, $"{other.Namespace}.{type}"))));

    private bool Sees(string other) => Usings.Contains(other) || Namespace == other || Namespace.StartsWith(other + ".", StringComparison.Ordinal);

    /// <summary>`Store.Keys` means `Lamina.Server.Store.Keys` in a file of Lamina.Server.Vms.</summary>
    private bool Means(string written, string full)
    {
        if (written.StartsWith("global::", StringComparison.Ordinal)) written = written["global::".Length..];
        for (var prefix = Namespace; ; prefix = prefix[..prefix.LastIndexOf('.')])
        {
            if (StartsWithName($"{prefix}.{written}", full)) return true;
            if (!prefix.Contains('.')) return StartsWithName(written, full);
        }
    }

    private static bool StartsWithName(string name, string full) => name == full || name.StartsWith(full + ".", StringComparison.Ordinal);
}
