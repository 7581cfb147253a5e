using System.IO.Enumeration;

namespace Lamina.Server.Http;

/// <summary>Filters of lists: words separated by commas are alternatives, <c>*</c> stands for any characters.</summary>
internal static class Filter
{
    /// <param name="filter">Null lets everything pass.</param>
    /// <param name="value">Null passes only without a filter.</param>
    public static bool Passes(string? filter, string? value) =>
        filter is null || (value is not null && filter.Split(',').Any(word => FileSystemName.MatchesSimpleExpression(Literal(word), value, ignoreCase: false)));

    public static bool PassesAny(string? filter, IReadOnlyList<string> values) => filter is null || values.Any(value => Passes(filter, value));

    /// <summary>Only the star is special to us: '?' and the escape sign of the matcher stand for themselves.</summary>
    private static string Literal(string word) => word.Replace("\\", @"\\", StringComparison.Ordinal).Replace("?", @"\?", StringComparison.Ordinal);
}
