using Lamina.Api.Input;

namespace Lamina.Server.Consoles;

/// <summary>Keys by their names (pure): <c>ctrl-alt-delete</c> as QEMU's key codes (QKeyCode in its QAPI reference).</summary>
internal static class KeyChords
{
    private const int MostKeys = 8;

    private static readonly Dictionary<string, string> Names = MakeNames();

    /// <summary>The key codes to be held together; null: the words are no chord.</summary>
    public static IReadOnlyList<string>? Parse(string chord)
    {
        var parts = chord.ToLowerInvariant().Split('-');
        if (parts.Length > MostKeys) return null;
        var codes = parts.Select(part => Names.GetValueOrDefault(part)).ToList();
        return codes.Contains(null) ? null : [.. codes.OfType<string>()];
    }

    /// <summary>Adds a problem for each that is no chord.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> ParseAll(IReadOnlyList<string> chords, string path, InputProblems problems)
    {
        var parsed = new List<IReadOnlyList<string>>();
        for (int index = 0; index < chords.Count; index++)
        {
            if (Parse(chords[index]) is { } codes) parsed.Add(codes);
            else problems.Add($"{path}[{index}]", "keys.unknown", $"'{Suggestions.Shorten(chords[index])}' is no chord: join names of keys by hyphens, such as ctrl-alt-delete, alt-f4, f12 or enter.");
        }

        return parsed;
    }

    private static Dictionary<string, string> MakeNames()
    {
        // Those that QEMU names so itself.
        string[] own =
        [
            "shift", "shift_r", "alt", "alt_r", "ctrl", "ctrl_r", "menu", "esc", "minus", "equal", "backspace", "tab", "bracket_left", "bracket_right", "ret", "semicolon",
            "apostrophe", "grave_accent", "backslash", "comma", "dot", "slash", "spc", "caps_lock", "num_lock", "scroll_lock", "print", "sysrq", "pause", "home", "end",
            "pgup", "pgdn", "insert", "delete", "left", "right", "up", "down", "less", "meta_l", "meta_r", "compose", "kp_enter",
        ];
        var names = own.ToDictionary(name => name, name => name, StringComparer.Ordinal);
        for (char letter = 'a'; letter <= 'z'; letter++) names[$"{letter}"] = $"{letter}";
        for (char digit = '0'; digit <= '9'; digit++) names[$"{digit}"] = $"{digit}";
        for (int number = 1; number <= 12; number++) names[$"f{number}"] = $"f{number}";
        foreach (var (word, code) in (ReadOnlySpan<(string, string)>)[
            ("control", "ctrl"), ("del", "delete"), ("enter", "ret"), ("return", "ret"), ("escape", "esc"), ("space", "spc"), ("win", "meta_l"), ("super", "meta_l"), ("meta", "meta_l"),
            ("altgr", "alt_r"), ("ins", "insert"), ("pageup", "pgup"), ("pagedown", "pgdn"), ("capslock", "caps_lock"), ("printscreen", "print")]) names[word] = code;
        return names;
    }
}
