using Lamina.Linux.Native;

namespace Lamina.Linux.Files;

/// <summary>What this process, and every program that it starts, withholds from the mode of each new file (umask(2)).</summary>
public static class CreationMask
{
    /// <summary>
    /// The usual mask: others may read what is not made with a narrower mode. Whoever started us may have had another one, and with 077
    /// an image would be built of files that its users cannot read, and dnsmasq could not reach its own configuration.
    /// </summary>
    public static void SetUsual() => _ = Libc.umask((uint)(UnixFileMode.GroupWrite | UnixFileMode.OtherWrite));
}
