using System.Globalization;

namespace Lamina.Linux.Host;

/// <summary>How long all logical processors together were in each state since the boot (/proc/stat). The states exclude each other.</summary>
public sealed record CpuTimes
{
    /// <summary>The kernel's unit for user space (USER_HZ), the same on every x86 system.</summary>
    private const double TicksPerSecond = 100;

    public required double UserSeconds { get; init; }
    public required double NiceSeconds { get; init; }
    public required double SystemSeconds { get; init; }
    public required double IdleSeconds { get; init; }
    public required double IoWaitSeconds { get; init; }
    public required double IrqSeconds { get; init; }

    /// <summary>Taken by a hypervisor below this machine.</summary>
    public required double StealSeconds { get; init; }

    /// <summary>Running the code of guests; the kernel counts it as user time too, here it is taken out of that.</summary>
    public required double GuestSeconds { get; init; }

    public double TotalSeconds => BusySeconds + IdleSeconds + IoWaitSeconds;

    public double BusySeconds => UserSeconds + NiceSeconds + SystemSeconds + IrqSeconds + StealSeconds + GuestSeconds;

    public static CpuTimes Read() => Parse(File.ReadAllText("/proc/stat"));

    internal static CpuTimes Parse(string text)
    {
        string line = text.Split('\n', 2)[0];
        double[] ticks = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(word => double.Parse(word, CultureInfo.InvariantCulture) / TicksPerSecond)];
        if (ticks.Length < 8) throw new InvalidDataException($"/proc/stat begins with '{line}'");
        double guest = ticks.Length > 8 ? ticks[8] : 0, guestNice = ticks.Length > 9 ? ticks[9] : 0;
        return new()
        {
            UserSeconds = ticks[0] - guest,
            NiceSeconds = ticks[1] - guestNice,
            SystemSeconds = ticks[2],
            IdleSeconds = ticks[3],
            IoWaitSeconds = ticks[4],
            IrqSeconds = ticks[5] + ticks[6],
            StealSeconds = ticks[7],
            GuestSeconds = guest + guestNice,
        };
    }
}
