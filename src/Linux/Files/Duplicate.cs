using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>A second descriptor of the same open file.</summary>
public static class Duplicate
{
    private const int DuplicateCloseOnExec = 1030;

    public static SafeFileHandle Of(SafeHandle source) => Above(source, 0);

    /// <param name="source">Stays open and the caller's.</param>
    /// <param name="lowest">The new descriptor's number is this or more.</param>
    internal static SafeFileHandle Above(SafeHandle source, int lowest)
    {
        var added = false;
        source.DangerousAddRef(ref added);
        try
        {
            var number = Libc.fcntl((int)source.DangerousGetHandle(), DuplicateCloseOnExec, lowest);
            return number >= 0 ? new(number, ownsHandle: true) : throw LinuxException.Last("duplicate a descriptor");
        }
        finally
        {
            source.DangerousRelease();
        }
    }
}
