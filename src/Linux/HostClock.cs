using Lamina.Linux.Native;

namespace Lamina.Linux;

/// <summary>Time and identity of this boot of the machine.</summary>
public static class HostClock
{
    /// <summary>The kernel's random id of this boot, for example "7a3c…-…": it changes with every reboot and nothing else (random(4)).</summary>
    public static string ReadBootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Nanoseconds since boot, time spent in suspend included (CLOCK_BOOTTIME).</summary>
    public static long BootTimeNanoseconds()
    {
        if (Libc.clock_gettime(Libc.ClockBootTime, out var now) != 0) throw LinuxException.Last("read CLOCK_BOOTTIME");
        return now.Seconds * 1_000_000_000 + now.Nanoseconds;
    }
}
