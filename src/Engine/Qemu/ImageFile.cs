using Lamina.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Engine.Qemu;

/// <summary>Images are opened by root for QEMU, which is given the open file and has no right to its path.</summary>
internal static class ImageFile
{
    /// <summary>The last part of the path must be the file itself: a link put in its place leads nowhere.</summary>
    public static SafeFileHandle Open(string path, bool readOnly)
    {
        using var parent = RootedDirectory.Open(Path.GetDirectoryName(path)!);
        var file = parent.OpenFile(Path.GetFileName(path), readOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite);
        try
        {
            if (!readOnly) NetworkFile.Share(file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
