using System.Globalization;

namespace Lamina.Linux.Host;

/// <summary>Memory of this machine (/proc/meminfo).</summary>
/// <param name="TotalBytes">Usable by the kernel.</param>
/// <param name="AvailableBytes">What new programs can get without swapping, by the kernel's estimate.</param>
public sealed record MemoryFacts(long TotalBytes, long AvailableBytes)
{
    public static MemoryFacts Read() => Parse(File.ReadAllText("/proc/meminfo"));

    internal static MemoryFacts Parse(string text) => new(BytesOf(text, "MemTotal:"), BytesOf(text, "MemAvailable:"));

    /// <summary>A line is `name:   number kB`.</summary>
    private static long BytesOf(string text, string name)
    {
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))
            ?? throw new InvalidDataException($"/proc/meminfo has no line {name}");
        var number = line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return long.Parse(number, CultureInfo.InvariantCulture) * 1024;
    }
}
