using System.Runtime.InteropServices;

namespace Lamina.Linux.Native;

internal static partial class Libc
{
    [LibraryImport(Name, SetLastError = true)]
    public static unsafe partial int adjtimex(byte* state);
}
