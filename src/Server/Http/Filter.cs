namespace Lamina.Server.Http;

/// <summary>Filters of lists: words separated by commas are alternatives, <c>*</c> stands for any characters.</summary>
internal static class Filter
{
    /// <param name="filter">Null lets everything pass.</param>
    /// <param name="value">Null passes only without a filter.</param>
    public static bool Passes(string? filter, string? value) =>
        filter is null || (value is not null && filter.Split(',').Any(word => Matches(word.Split('*'), value)));

    public static bool PassesAny(string? filter, IReadOnlyList<string> values) => filter is null || values.Any(value => Passes(filter, value));

    /// <summary>The literal parts between the stars must follow each other, the first at the beginning, the last at the end.</summary>
    private static bool Matches(string[] parts, string value)
    {
        if (parts.Length == 1) return value == parts[0];
        if (!value.StartsWith(parts[0], StringComparison.Ordinal)) return false;
        int at = parts[0].Length;
        foreach (string part in parts[1..^1])
        {
            int found = value.IndexOf(part, at, StringComparison.Ordinal);
            if (found < 0) return false;
            at = found + part.Length;
        }

        return value.Length - at >= parts[^1].Length && value.EndsWith(parts[^1], StringComparison.Ordinal);
    }
}
