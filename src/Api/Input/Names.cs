namespace Lamina.Api.Input;

/// <summary>Which names objects may bear.</summary>
public static class Names
{
    public const int LabelLength = 63;

    /// <summary>An RFC 1123 label: lower-case letters, digits and inner hyphens, at most 63. No id (UUID): a name must never be taken for one.</summary>
    public static bool IsLabel(string? name) =>
        name is { Length: > 0 and <= LabelLength }
        && name.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character == '-')
        && name[0] != '-' && name[^1] != '-'
        && !Guid.TryParse(name, out _);

    /// <summary>A label, or two of them with a slash between: <c>debian/12</c>. Dots are allowed in the second (<c>ubuntu/24.04</c>).</summary>
    public static bool IsImageName(string? name)
    {
        string[] parts = name?.Split('/') ?? [];
        return parts.Length switch
        {
            1 => IsLabel(parts[0]),
            2 => IsLabel(parts[0]) && parts[1].Length > 0 && parts[1].Split('.').All(IsLabel),
            _ => false,
        };
    }

    public static void CheckLabel(string? name, string path, InputProblems problems)
    {
        if (!IsLabel(name)) problems.Add(path, "name.invalid",
            $"'{Suggestions.Shorten(name ?? "")}' is no name: use 1 to {LabelLength} lower-case letters, digits and hyphens, not at the ends, and no UUID.");
    }

    public static void CheckImageName(string? name, string path, InputProblems problems)
    {
        if (!IsImageName(name)) problems.Add(path, "name.invalid",
            $"'{Suggestions.Shorten(name ?? "")}' is no name of an image: use label or label/label, for example debian/12.");
    }
}
