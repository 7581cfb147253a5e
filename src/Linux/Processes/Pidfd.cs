using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Processes;

/// <summary>A process held by descriptor (pidfd_open(2)): it becomes readable when the process ends, and never means another one.</summary>
internal static class Pidfd
{
    private const int IdTypePid = 1;
    private const int WaitExited = 4;
    private const int WaitNoHang = 1;
    private const int CodeExited = 1;

    /// <returns>Null when there is no such process.</returns>
    public static SafeFileHandle? TryOpen(int processId)
    {
        var number = Libc.pidfd_open(Libc.SyscallPidfdOpen, processId, 0);
        if (number >= 0) return new((nint)number, ownsHandle: true);
        var errorNumber = Marshal.GetLastPInvokeError();
        return errorNumber is Errno.NoSuchProcess or Errno.Invalid ? null : throw new LinuxException($"open the process {processId}", errorNumber);
    }

    /// <returns>False when the process has ended.</returns>
    public static bool Send(SafeFileHandle process, int signal)
    {
        if (Libc.pidfd_send_signal(Libc.SyscallPidfdSendSignal, process, signal, 0, 0) == 0) return true;
        var errorNumber = Marshal.GetLastPInvokeError();
        return errorNumber == Errno.NoSuchProcess ? false : throw new LinuxException("send " + Signal.NameOf(signal), errorNumber);
    }

    /// <summary>Collects an ended child, so that its pid becomes free.</summary>
    public static ChildExit Collect(int processId) => Collect(processId, WaitExited | WaitNoHang);

    /// <summary>As <see cref="Collect(int)"/>, for one that was just killed and is about to end.</summary>
    public static ChildExit CollectWhenEnded(int processId) => Collect(processId, WaitExited);

    private static ChildExit Collect(int processId, int options)
    {
        if (Libc.waitid(IdTypePid, processId, out var info, options) != 0 || info.ProcessId == 0)
            return ChildExit.Unknown; // ECHILD: somebody set SIGCHLD to be ignored, and the kernel collected it
        return info.Code == CodeExited ? new(info.Status, null) : new(null, info.Status);
    }
}
