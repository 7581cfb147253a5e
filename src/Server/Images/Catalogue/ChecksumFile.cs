namespace Lamina.Server.Images.Catalogue;

/// <summary>
/// Reads the checksum files of publishers (pure): lines of GNU coreutils (<c>HEX  name</c>, <c>HEX *name</c>) and of BSD
/// (<c>SHA256 (name) = HEX</c>), or one bare checksum. A signature around them is skipped, not checked.
/// </summary>
internal static class ChecksumFile
{
    /// <summary>Larger ones are none.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>The checksum of a file, the stronger one when there are two; null: it is not listed.</summary>
    public static ContentDigest? Find(string text, string fileName)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var found = lines.Select(Read).Where(line => line.Digest is not null && line.Name == fileName).Select(line => line.Digest!);
        return found.OrderByDescending(digest => digest.Hex.Length).FirstOrDefault() ?? (lines is [var only] ? ContentDigest.Of(only) : null);
    }

    private static (ContentDigest? Digest, string? Name) Read(string line)
    {
        if (line.IndexOf(" (", StringComparison.Ordinal) is > 0 and var open && line.LastIndexOf(") = ", StringComparison.Ordinal) is var close && close > open)
            return (ContentDigest.Of(line[(close + 4)..]), BaseName(line[(open + 2)..close]));
        return line.IndexOf(' ') is > 0 and var space ? (ContentDigest.Of(line[..space]), BaseName(line[space..].TrimStart(' ', '*'))) : default;
    }

    private static string BaseName(string name) => name[(name.LastIndexOf('/') + 1)..];
}
