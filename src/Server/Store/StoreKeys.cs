using System.Text;

namespace Lamina.Server.Store;

/// <summary>The order of keys is that of their UTF-8 bytes, which is that of their Unicode scalar values (not that of UTF-16).</summary>
internal static class StoreKeys
{
    /// <summary>The smallest key above all keys with this prefix; null when there is none.</summary>
    public static string? EndOf(string prefix)
    {
        var runes = prefix.EnumerateRunes().ToList();
        while (runes.Count > 0)
        {
            int last = runes[^1].Value;
            runes.RemoveAt(runes.Count - 1);
            if (last == 0x10FFFF) continue;
            // The surrogates' gap is no place for a scalar value.
            runes.Add(new Rune(last == 0xD7FF ? 0xE000 : last + 1));
            return string.Concat(runes.Select(rune => rune.ToString()));
        }

        return null;
    }
}
