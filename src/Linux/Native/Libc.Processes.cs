using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Native;

internal static partial class Libc
{
    public const int SyscallPidfdSendSignal = 424;
    public const int SyscallPidfdOpen = 434;
    public const int SyscallOpenat2 = 437;

    /// <summary>The members of siginfo_t that waitid fills for a child (x86-64), padded to 128 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct ChildInfo
    {
        public int Signal;
        public int Error;
        public int Code;
        public int Padding;
        public int ProcessId;
        public uint UserId;
        public int Status;
        public fixed byte Rest[100];
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int madvise(nuint start, nuint bytes, int advice);

    /// <summary>Of glibc: 1 if memory was given back to the kernel.</summary>
    [LibraryImport(Name)]
    public static partial int malloc_trim(nuint keep);

    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial int execve(byte* path, byte** arguments, byte** environment);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawn(
        out int processId, byte* path, byte* fileActions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawn_file_actions_addclose(byte* actions, int descriptor);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawn_file_actions_addclosefrom_np(byte* actions, int from);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawn_file_actions_addchdir_np(byte* actions, byte* path);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport(Name)]
    public static unsafe partial int posix_spawnattr_setpgroup(byte* attributes, int group);

    [LibraryImport(Name)]
    public static unsafe partial int sigfillset(byte* signals);

    [LibraryImport(Name)]
    public static unsafe partial int sigemptyset(byte* signals);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int waitid(int idType, int id, out ChildInfo info, int options);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int kill(int processId, int signal);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    public static partial long pidfd_open(long number, int processId, uint flags);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    public static partial long pidfd_send_signal(long number, SafeFileHandle process, int signal, nint info, uint flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setns(SafeFileHandle space, int type);
}
