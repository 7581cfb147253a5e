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
    private const nuint SetPersistentRequest = 0x400454cb;
    private const nuint SetOwnerRequest = 0x400454cc;
    private const int RequestBytes = 40;
    private const int NameBytes = 16;
    private const int MaxAttempts = 50;
    private const ushort Tap = 0x0002;
    private const ushort NoPacketInformation = 0x1000;
    private const ushort VirtioHeader = 0x4000;

    /// <summary>
    /// Makes a tap in the calling thread's network namespace, or attaches to a persistent one of this name that nobody holds, and returns its descriptor, ready
    /// for QEMU (`-netdev tap,fd=N`). Without <see cref="SetPersistent"/> the tap goes when its last descriptor closes.
    /// </summary>
    /// <param name="name">At most 15 bytes.</param>
    /// <exception cref="LinuxException">EBUSY: somebody holds it. EINVAL: a link of another kind bears this name.</exception>
    public static SafeFileHandle Open(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) is 0 or > MaxNameBytes) throw new ArgumentException($"\"{name}\" is no name for a link", nameof(name));
        var number = Libc.open("/dev/net/tun", (int)(OpenFlags.ReadWrite | OpenFlags.NonBlocking) | Libc.OpenCloseOnExec, 0);
        if (number < 0) throw LinuxException.Last("open /dev/net/tun");
        var tap = new SafeFileHandle(number, ownsHandle: true);
        try
        {
            Attach(tap, name);
            CrashPoints.Reached("tap", "open", "after");
            return tap;
        }
        catch
        {
            tap.Dispose();
            throw;
        }
    }

    /// <summary>
    /// From now on the tap stays without a holder, until <see cref="Netlink.DeleteLink"/>. It is root's: one without an owner could be taken by anybody who may open
    /// /dev/net/tun, which is everybody, and a VM that was taken over would wait for another one's.
    /// </summary>
    public static void SetPersistent(SafeFileHandle tap)
    {
        if (Libc.ioctl(tap, SetOwnerRequest, 0) != 0) throw LinuxException.Last("make a tap root's");
        if (Libc.ioctl(tap, SetPersistentRequest, 1) != 0) throw LinuxException.Last("make a tap persistent");
        CrashPoints.Reached("tap", "persist", "after");
    }

    /// <summary>
    /// TUNSETIFF with struct ifreq: the name, then the flags. A child that is being started at this moment has copies of all our descriptors until it executes its
    /// program, also of a tap that was closed here just before: the kernel calls the tap busy for that millisecond, and tells nobody when it is over.
    /// </summary>
    private static void Attach(SafeFileHandle tap, string name)
    {
        var request = stackalloc byte[RequestBytes];
        for (var attempt = 1; ; attempt++)
        {
            new Span<byte>(request, RequestBytes).Clear();
            Encoding.UTF8.GetBytes(name, new Span<byte>(request, NameBytes));
            *(ushort*)(request + NameBytes) = Tap | NoPacketInformation | VirtioHeader;
            if (Libc.ioctl(tap, SetInterface, request) == 0) return;
            var failure = LinuxException.Last($"open the tap {name}");
            if (failure.ErrorNumber != Errno.Busy || attempt == MaxAttempts) throw failure;
            Libc.PauseMilliseconds(1);
        }
    }
}
