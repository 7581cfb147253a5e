using System.Text;
using Lamina.Linux.Files;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Network;

/// <summary>Taps: links whose other end is a file descriptor (Documentation/networking/tuntap.rst).</summary>
public static unsafe class TapDevice
{
    /// <summary>IFNAMSIZ without the terminating zero.</summary>
    public const int MaxNameBytes = 15;

    private const nuint SetInterface = 0x400454ca;
    private const nuint SetPersistent = 0x400454cb;
    private const nuint SetOwner = 0x400454cc;
    private const int RequestBytes = 40;
    private const int NameBytes = 16;
    private const ushort Tap = 0x0002;
    private const ushort NoPacketInformation = 0x1000;
    private const ushort VirtioHeader = 0x4000;

    /// <summary>
    /// Makes a tap in the calling thread's network namespace, or attaches to a persistent one of this name that nobody holds, and returns its descriptor, ready
    /// for QEMU (`-netdev tap,fd=N`).
    /// </summary>
    /// <param name="name">At most 15 bytes.</param>
    /// <param name="persistent">It stays without a holder; else it goes when the last descriptor closes.</param>
    /// <param name="ownerUserId">Who may attach to a persistent one without being root.</param>
    /// <exception cref="LinuxException">EBUSY: somebody holds it. EINVAL: a link of another kind bears this name.</exception>
    public static SafeFileHandle Open(string name, bool persistent = false, uint? ownerUserId = null)
    {
        if (Encoding.UTF8.GetByteCount(name) is 0 or > MaxNameBytes) throw new ArgumentException($"\"{name}\" is no name for a link", nameof(name));
        var number = Libc.open("/dev/net/tun", (int)(OpenFlags.ReadWrite | OpenFlags.NonBlocking) | Libc.OpenCloseOnExec, 0);
        if (number < 0) throw LinuxException.Last("open /dev/net/tun");
        var tap = new SafeFileHandle(number, ownsHandle: true);
        try
        {
            Attach(tap, name);
            if (ownerUserId is { } owner && Libc.ioctl(tap, SetOwner, (nint)owner) != 0) throw LinuxException.Last($"give the tap {name} to {owner}");
            if (persistent && Libc.ioctl(tap, SetPersistent, 1) != 0) throw LinuxException.Last($"make the tap {name} persistent");
            return tap;
        }
        catch
        {
            tap.Dispose();
            throw;
        }
    }

    /// <summary>TUNSETIFF with struct ifreq: the name, then the flags.</summary>
    private static void Attach(SafeFileHandle tap, string name)
    {
        var request = stackalloc byte[RequestBytes];
        new Span<byte>(request, RequestBytes).Clear();
        Encoding.UTF8.GetBytes(name, new Span<byte>(request, NameBytes));
        *(ushort*)(request + NameBytes) = Tap | NoPacketInformation | VirtioHeader;
        if (Libc.ioctl(tap, SetInterface, request) != 0) throw LinuxException.Last($"create the tap {name}");
    }
}
