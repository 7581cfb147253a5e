using System.Globalization;
using System.Text;

namespace Lamina.Linux.Cgroups;

/// <summary>The small text files of the cgroup file systems.</summary>
internal static class CgroupFile
{
    /// <returns>Null when the cgroup, or this file of it, is not there.</returns>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return null; // ENOENT, or ENODEV: removed between open and read
        }
    }

    public static void Write(string path, string value)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(value), 0);
        }
        catch (IOException error)
        {
            throw new IOException($"cannot write \"{value}\" to {path}: {error.Message}", error);
        }
    }

    public static IReadOnlyList<int> ReadProcesses(string path) =>
        [.. (Read(path) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    public static long? ReadNumber(string path) => ParseNumber(Read(path));

    /// <summary>From a file of lines `name value`.</summary>
    public static long? ReadNumber(string path, string name) =>
        ParseNumber(Read(path)?.Split('\n').FirstOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal))?[(name.Length + 1)..]);

    /// <summary>Names of the folders in a folder; none when it is not there.</summary>
    public static IEnumerable<string> ListFolders(string path) =>
        Directory.Exists(path) ? Directory.EnumerateDirectories(path).Select(folder => Path.GetFileName(folder)) : [];

    private static long? ParseNumber(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
