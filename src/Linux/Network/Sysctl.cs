namespace Lamina.Linux.Network;

/// <summary>Kernel settings below /proc/sys; those of `net` are the calling thread's namespace's.</summary>
public static class Sysctl
{
    /// <param name="name">With slashes: "net/ipv4/ip_forward".</param>
    public static string Read(string name) => File.ReadAllText(Path.Combine("/proc/sys", name)).Trim();

    /// <summary>Whether the kernel has it: all of <c>net/ipv6</c> is absent with <c>ipv6.disable=1</c>.</summary>
    public static bool Exists(string name) => Path.Exists(Path.Combine("/proc/sys", name));

    /// <summary>Writes only a value that differs, so that nobody who watches the file is woken for nothing.</summary>
    /// <returns>True when it was changed.</returns>
    public static bool Set(string name, string value)
    {
        if (Read(name) == value) return false;
        File.WriteAllText(Path.Combine("/proc/sys", name), value);
        CrashPoints.Reached("sysctl", "set", "after");
        return true;
    }

    /// <summary>Lets the host pass IPv4 packets from one link to another, as NAT needs.</summary>
    /// <returns>True when it was off.</returns>
    public static bool EnableIPv4Forwarding() => Set("net/ipv4/ip_forward", "1");
}
