using System.Globalization;

namespace Lamina.Server;

/// <summary>Versions of Lamina (pure): their order, and which of them work together.</summary>
internal static class ProgramVersion
{
    /// <summary>How many minor versions two hosts of one cluster may be apart.</summary>
    public const int MostApart = 1;

    /// <summary>As Debian orders versions (Debian policy 5.6.12): numbers by their value, and <c>~</c> before everything, the end too.</summary>
    public static int Compare(string left, string right)
    {
        int l = 0, r = 0;
        while (l < left.Length || r < right.Length)
        {
            while ((l < left.Length && !char.IsAsciiDigit(left[l])) || (r < right.Length && !char.IsAsciiDigit(right[r])))
            {
                int difference = OrderAt(left, l) - OrderAt(right, r);
                if (difference != 0) return Math.Sign(difference);
                l++;
                r++;
            }

            int number = NumberAt(left, ref l).CompareTo(NumberAt(right, ref r));
            if (number != 0) return number;
        }

        return 0;
    }

    /// <summary>What may differ between releases that are hosts of one cluster: <c>0.1</c> of <c>0.1.7~git3</c>.</summary>
    public static string LevelOf(string version) => Parse(version) is var (major, minor) ? string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}") : version;

    /// <summary>Hosts of these two versions can be in one cluster: the same major version, and minor versions that follow each other.</summary>
    public static bool WorkTogether(string left, string right) =>
        Parse(left) is var (leftMajor, leftMinor) && Parse(right) is var (rightMajor, rightMinor) && leftMajor == rightMajor && Math.Abs(leftMinor - rightMinor) <= MostApart;

    private static (int Major, int Minor)? Parse(string version)
    {
        string[] parts = version.Split('.', '-', '~', '+');
        return parts.Length >= 2 && TryNumber(parts[0], out int major) && TryNumber(parts[1], out int minor) ? (major, minor) : null;
    }

    private static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static int OrderAt(string version, int at)
    {
        if (at >= version.Length || char.IsAsciiDigit(version[at])) return 0;
        char letter = version[at];
        return letter == '~' ? -1 : char.IsAsciiLetter(letter) ? letter : letter + 256;
    }

    private static long NumberAt(string version, ref int at)
    {
        int begin = at;
        while (at < version.Length && char.IsAsciiDigit(version[at])) at++;
        return at == begin ? 0 : long.Parse(version.AsSpan(begin, Math.Min(at - begin, 18)), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
