using System.Globalization;
using Lamina.Api;

namespace Lamina.Server.Memory;

/// <summary>
/// When people are told that a host runs short of memory, and when that it is over (pure): three bad readings in a row begin it, six good ones end it,
/// and what is neither good nor bad changes nothing.
/// </summary>
/// <param name="IsRaised">It was told.</param>
/// <param name="InARow">How many readings said the opposite.</param>
internal sealed record MemoryAlarm(bool IsRaised, int InARow)
{
    private const int BadToRaise = 3;
    private const int GoodToEnd = 6;
    private const double MiB = 1 << 20;

    public static MemoryAlarm Silent { get; } = new(false, 0);

    /// <returns>The alarm after this reading.</returns>
    public MemoryAlarm After(HostFigures host) => IsRaised switch
    {
        false => !IsBad(host) ? Silent : InARow + 1 == BadToRaise ? new(true, 0) : this with { InARow = InARow + 1 },
        true => !IsGood(host) ? this with { InARow = 0 } : InARow + 1 == GoodToEnd ? Silent : this with { InARow = InARow + 1 },
    };

    /// <summary>What is wrong, in words.</summary>
    public static string Words(HostFigures host)
    {
        var words = new List<string> { string.Create(CultureInfo.InvariantCulture, $"{host.MemoryAvailableBytes / MiB:0} of {host.MemoryBytes / MiB:0} MiB are available") };
        if (host.PressureMemoryFullPercent > 0) words.Add(string.Create(CultureInfo.InvariantCulture, $"all tasks waited for memory in {host.PressureMemoryFullPercent:0.#} % of the last 10 s"));
        if (host.SwapOutBytesPerSecond > 0) words.Add(string.Create(CultureInfo.InvariantCulture, $"{host.SwapOutBytesPerSecond / MiB:0.0} MiB/s go to swap"));
        return string.Join(", ", words);
    }

    private static bool IsBad(HostFigures host) =>
        AvailablePercent(host) < 5 || host.PressureMemoryFullPercent >= 10 || host.SwapOutBytesPerSecond >= MiB;

    private static bool IsGood(HostFigures host) =>
        AvailablePercent(host) > 8 && !(host.PressureMemoryFullPercent > 2) && !(host.SwapOutBytesPerSecond > MiB / 16);

    private static double AvailablePercent(HostFigures host) => host.MemoryBytes is > 0 and var total ? 100.0 * (host.MemoryAvailableBytes ?? total) / total : 100;
}
