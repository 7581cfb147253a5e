namespace Lamina.Api.Input;

/// <summary>"Do you mean …?"</summary>
public static class Suggestions
{
    /// <summary>The known word that differs least, null when none is near. Case counts little: <c>memoryMib</c> is near <c>memoryMiB</c>.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length > 64) return null;
        int allowed = Math.Max(1, word.Length / 3);
        return known
            .Select(candidate => (Candidate: candidate, Distance: Distance(word.ToUpperInvariant(), candidate.ToUpperInvariant())))
            .Where(pair => pair.Distance <= allowed)
            .OrderBy(pair => pair.Distance)
            .Select(pair => pair.Candidate)
            .FirstOrDefault();
    }

    /// <summary>Words from outside are repeated to people at a bounded length and without control characters.</summary>
    public static string Shorten(string text)
    {
        string shown = new([.. text.Take(60).Select(character => char.IsControl(character) ? '?' : character)]);
        return text.Length > 60 ? shown + "…" : shown;
    }

    /// <summary>Levenshtein's distance.</summary>
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int above = row[j];
                int replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), replaced);
                diagonal = above;
            }
        }

        return row[^1];
    }
}
