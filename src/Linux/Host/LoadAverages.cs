using System.Globalization;

namespace Lamina.Linux.Host;

/// <summary>How many tasks ran or waited for disks, on the average of so many minutes (/proc/loadavg).</summary>
public sealed record LoadAverages(double One, double Five, double Fifteen)
{
    public static LoadAverages Read() => Parse(File.ReadAllText("/proc/loadavg"));

    internal static LoadAverages Parse(string text)
    {
        double[] numbers = [.. text.Split(' ').Take(3).Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
        return new(numbers[0], numbers[1], numbers[2]);
    }
}
