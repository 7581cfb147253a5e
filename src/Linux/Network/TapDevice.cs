using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Network;

/// <summary>Taps: links whose other end is a file descriptor (tuntap.rst of the kernel's documentation).</summary>
public static class TapDevice
{
    /// <summary>
    /// Makes a tap, or attaches to a persistent one of this name that nobody holds, and returns its descriptor, ready for QEMU
    /// (`-netdev tap,fd=N`). Without <paramref name="persistent"/> the link goes when the last descriptor closes.
    /// </summary>
    /// <exception cref="LinuxException">EBUSY: somebody holds it.</exception>
    public static SafeFileHandle Open(string name, bool persistent = false) => throw new NotImplementedException();
}
