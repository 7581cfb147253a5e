using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Native;

/// <summary>struct flock of fcntl(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FileRange
{
    public short Kind;
    public short Whence;
    public long Start;
    public long Length;
    public int ProcessId;
}

internal static partial class Libc
{
    public const int AtCurrentDirectory = -100;
    public const int AtEmptyPath = 0x1000;
    public const int AtSymbolicLinkNoFollow = 0x100;
    public const int AtRemoveDirectory = 0x200;

    /// <summary>struct open_how of openat2(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    /// <summary>struct statvfs (x86-64).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct FileSystemFacts
    {
        public ulong BlockSize;
        public ulong FragmentSize;
        public ulong Blocks;
        public ulong FreeBlocks;
        public ulong AvailableBlocks;
        public ulong Files;
        public ulong FreeFiles;
        public ulong AvailableFiles;
        public ulong FileSystemId;
        public ulong Flags;
        public ulong MaxNameLength;
        public fixed int Spare[6];
    }

    /// <summary>struct statx: its layout is the same on every architecture.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct StatX
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint UserId;
        public uint GroupId;
        public ushort Mode;
        public ushort Spare0;
        public ulong Inode;
        public ulong SizeBytes;
        public ulong Blocks512;
        public ulong AttributesMask;
        public fixed ulong Times[8];
        public uint DeviceNumberMajor;
        public uint DeviceNumberMinor;
        public uint DeviceMajor;
        public uint DeviceMinor;
        public fixed ulong Spare[14];
    }

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int memfd_create([MarshalAs(UnmanagedType.LPUTF8Str)] string name, uint flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fchmod(SafeFileHandle file, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fchown(SafeFileHandle file, uint user, uint group);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int fchownat(SafeFileHandle directory, string path, uint user, uint group, int flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int lchown(string path, uint user, uint group);

    [LibraryImport(Name, SetLastError = true)]
    public static partial long lseek(SafeFileHandle file, long offset, int whence);

    [LibraryImport(Name, SetLastError = true)]
    public static partial long copy_file_range(SafeFileHandle source, ref long sourceOffset, SafeFileHandle target, ref long targetOffset, nuint length, uint flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fsync(SafeFileHandle file);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sync_file_range(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fcntl(SafeFileHandle file, int command, ref FileRange range);

    /// <summary>struct statfs (x86-64); its first word is the kind of the file system.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct FileSystemKindFacts
    {
        public long Kind;
        public fixed long Rest[14];
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fstatfs(SafeFileHandle file, out FileSystemKindFacts facts);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fstatvfs(SafeFileHandle file, out FileSystemFacts facts);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(SafeFileHandle directory, string path, int flags, uint mask, out StatX facts);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdirat(SafeFileHandle directory, string path, uint mode);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlinkat(SafeFileHandle directory, string path, int flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int renameat2(SafeFileHandle fromDirectory, string from, SafeFileHandle toDirectory, string to, uint flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkfifo(string path, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial int pipe2(int* descriptors, int flags);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial long openat2(long number, SafeFileHandle directory, string path, ref OpenHow how, nuint size);

    /// <summary>Cannot fail. Gives the mask before.</summary>
    [LibraryImport(Name)]
    public static partial uint umask(uint mask);
}
