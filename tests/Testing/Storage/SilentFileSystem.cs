using System.Globalization;
using System.Runtime.InteropServices;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing.Storage;

/// <summary>
/// Lies over a folder and answers nothing, as NFS does when its server is gone: a FUSE file system (fuse(4)) whose program never reads its requests. Whoever calls into it
/// waits until it is taken away; the kernel then ends those calls with an error, and the folder is what it was.
/// </summary>
internal sealed partial class SilentFileSystem : IDisposable
{
    private const int Detach = 2; // MNT_DETACH
    private readonly string _folder;
    private readonly SafeFileHandle _device;

    private SilentFileSystem(string folder, SafeFileHandle device) => (_folder, _device) = (folder, device);

    public static SilentFileSystem Over(string folder)
    {
        var device = File.OpenHandle("/dev/fuse", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        string options = string.Create(CultureInfo.InvariantCulture, $"fd={device.DangerousGetHandle()},rootmode=40000,user_id=0,group_id=0");
        if (Mount("lamina-test", folder, "fuse", 0, options) == 0) return new SilentFileSystem(folder, device);
        device.Dispose();
        throw LinuxException.Last($"mount a file system over {folder}");
    }

    public void Dispose()
    {
        _device.Dispose();
        if (Unmount(_folder, Detach) != 0) throw LinuxException.Last($"unmount {_folder}");
    }

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string type, ulong flags, string options);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string target, int flags);
}
