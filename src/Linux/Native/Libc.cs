using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Native;

/// <summary>What glibc gives on x86-64 Linux. Every function returns as C does; callers turn failures into <see cref="LinuxException"/>.</summary>
internal static partial class Libc
{
    private const string Name = "libc";

    public const int ClockBootTime = 7;
    public const int OpenCloseOnExec = 0x80000;
    public const int NonBlocking = 0x800;

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TimerSpec
    {
        public TimeSpec Interval;
        public TimeSpec Value;
    }

    /// <summary>struct epoll_event, which is packed on x86-64.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    public struct EpollEvent
    {
        public uint Events;
        public ulong Data;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int clock_gettime(int clock, out TimeSpec time);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int timerfd_create(int clock, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int timerfd_settime(SafeFileHandle timer, int flags, in TimerSpec value, nint oldValue);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_ctl(SafeFileHandle epoll, int operation, int descriptor, ref EpollEvent change);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial int epoll_wait(SafeFileHandle epoll, EpollEvent* events, int count, int timeoutMs);

    /// <summary>For the rare moment in which the kernel must be asked again and has no event for it.</summary>
    public static void PauseMilliseconds(int count) => _ = poll(0, 0, count);

    [LibraryImport(Name, SetLastError = true)]
    private static partial int poll(nint descriptors, ulong count, int timeoutMs);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial nint read(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial nint write(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ioctl(SafeFileHandle file, nuint request, nint argument);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial int ioctl(SafeFileHandle file, nuint request, void* argument);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint mmap(nint address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int munmap(nint address, nuint length);
}
