using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Native;

internal static partial class Libc
{
    public const int FamilyUnix = 1;
    public const int FamilyNetlink = 16;
    public const int SocketStream = 1;
    public const int SocketRaw = 3;
    public const int SocketCloseOnExec = 0x80000;

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct NetlinkAddress
    {
        public ushort Family;
        public ushort Padding;
        public uint PortId;
        public uint Groups;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int socket(int family, int type, int protocol);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial int socketpair(int family, int type, int protocol, int* descriptors);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int bind(SafeFileHandle socket, in NetlinkAddress address, int length);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial int setsockopt(SafeFileHandle socket, int level, int option, void* value, uint length);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial nint send(SafeFileHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial nint recv(SafeFileHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint sendmsg(SafeHandle socket, in MessageHeader message, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint recvmsg(SafeHandle socket, ref MessageHeader message, int flags);
}
