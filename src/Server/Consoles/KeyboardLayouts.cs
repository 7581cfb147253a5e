using System.Text;
using Lamina.Api.Input;

namespace Lamina.Server.Consoles;

/// <summary>Which keys write a text on a keyboard (pure). A guest hears keys, not characters: the layout must be the one that it is set to.</summary>
internal static class KeyboardLayouts
{
    public const string Default = "us";

    private const string Shift = "shift";
    private const string AltGr = "alt_r";

    private static readonly IReadOnlyDictionary<Rune, IReadOnlyList<IReadOnlyList<string>>> Us = MakeUs();

    /// <summary>A Korean keyboard's letters and signs lie as an American one's; Hangul is made by the guest's own input method.</summary>
    private static readonly Dictionary<string, IReadOnlyDictionary<Rune, IReadOnlyList<IReadOnlyList<string>>>> Layouts = new(StringComparer.Ordinal)
    {
        [Default] = Us, ["kr"] = Us, ["de"] = MakeGerman(),
    };

    /// <summary>The chords that write a text. Every character that the layout does not have is a problem, and so is an unknown layout.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Chords(string text, string? layout, InputProblems problems)
    {
        if (!Layouts.TryGetValue(layout ?? Default, out var keys))
        {
            problems.Add("$.layout", "keys.layout", $"'{Suggestions.Shorten(layout!)}' is no layout that is known: write {string.Join(", ", Layouts.Keys)}.");
            return [];
        }

        var chords = new List<IReadOnlyList<string>>();
        var missing = new HashSet<Rune>();
        foreach (var rune in text.Replace("\r\n", "\n", StringComparison.Ordinal).EnumerateRunes())
        {
            if (keys.TryGetValue(rune, out var strokes)) chords.AddRange(strokes);
            else missing.Add(rune);
        }

        if (missing.Count > 0)
            problems.Add("$.text", "keys.character", $"The layout {layout ?? Default} has no keys for: {string.Join(' ', missing.Take(10).Select(Shown))}. Choose another layout, or copy a file: lamina vm file push.");
        return chords;
    }

    private static string Shown(Rune rune) => Rune.IsControl(rune) ? $"U+{rune.Value:X4}" : rune.ToString();

    private static Dictionary<Rune, IReadOnlyList<IReadOnlyList<string>>> MakeUs()
    {
        var keys = Common();
        Pair(keys, "`~", "grave_accent");
        Pair(keys, "-_", "minus");
        Pair(keys, "=+", "equal");
        Pair(keys, "[{", "bracket_left");
        Pair(keys, "]}", "bracket_right");
        Pair(keys, "\\|", "backslash");
        Pair(keys, ";:", "semicolon");
        Pair(keys, "'\"", "apostrophe");
        Pair(keys, ",<", "comma");
        Pair(keys, ".>", "dot");
        Pair(keys, "/?", "slash");
        Digits(keys, ")!@#$%^&*(");
        return keys;
    }

    private static Dictionary<Rune, IReadOnlyList<IReadOnlyList<string>>> MakeGerman()
    {
        var keys = Common();
        Pair(keys, "zZ", "y");
        Pair(keys, "yY", "z");
        Digits(keys, "=!\"§$%&/()");
        Pair(keys, "ß?", "minus");
        Pair(keys, "üÜ", "bracket_left");
        Pair(keys, "+*", "bracket_right");
        Pair(keys, "öÖ", "semicolon");
        Pair(keys, "äÄ", "apostrophe");
        Pair(keys, "#'", "backslash");
        Pair(keys, "<>", "less");
        Pair(keys, ",;", "comma");
        Pair(keys, ".:", "dot");
        Pair(keys, "-_", "slash");
        Put(keys, '°', [Shift, "grave_accent"]);
        foreach (var (character, key) in (ReadOnlySpan<(char, string)>)[
            ('@', "q"), ('€', "e"), ('{', "7"), ('[', "8"), (']', "9"), ('}', "0"), ('\\', "minus"), ('~', "bracket_right"), ('|', "less"), ('µ', "m"), ('²', "2"), ('³', "3")])
            Put(keys, character, [AltGr, key]);
        // Dead keys: a space after them writes the accent itself.
        Put(keys, '^', ["grave_accent"], ["spc"]);
        Put(keys, '´', ["equal"], ["spc"]);
        Put(keys, '`', [Shift, "equal"], ["spc"]);
        return keys;
    }

    private static Dictionary<Rune, IReadOnlyList<IReadOnlyList<string>>> Common()
    {
        var keys = new Dictionary<Rune, IReadOnlyList<IReadOnlyList<string>>>();
        for (char letter = 'a'; letter <= 'z'; letter++) Pair(keys, $"{letter}{char.ToUpperInvariant(letter)}", $"{letter}");
        Put(keys, ' ', ["spc"]);
        Put(keys, '\n', ["ret"]);
        Put(keys, '\t', ["tab"]);
        return keys;
    }

    /// <param name="keys">Gets them.</param>
    /// <param name="shifted">What the keys 0 to 9 write with Shift.</param>
    private static void Digits(Dictionary<Rune, IReadOnlyList<IReadOnlyList<string>>> keys, string shifted)
    {
        for (int digit = 0; digit <= 9; digit++) Pair(keys, $"{digit}{shifted[digit]}", $"{digit}");
    }

    /// <summary>What a key writes, and what with Shift.</summary>
    private static void Pair(Dictionary<Rune, IReadOnlyList<IReadOnlyList<string>>> keys, string plainAndShifted, string key)
    {
        Put(keys, plainAndShifted[0], [key]);
        Put(keys, plainAndShifted[1], [Shift, key]);
    }

    private static void Put(Dictionary<Rune, IReadOnlyList<IReadOnlyList<string>>> keys, char character, params IReadOnlyList<string>[] strokes) =>
        keys[new Rune(character)] = strokes;
}
