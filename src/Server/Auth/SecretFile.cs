using Lamina.Linux.Files;

namespace Lamina.Server.Auth;

/// <summary>Files that only root may read: keys, and the first password.</summary>
internal static class SecretFile
{
    private const UnixFileMode RootOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode RootOnlyFolder = RootOnly | UnixFileMode.UserExecute;

    public static byte[] ReadOrCreate(string path, Func<byte[]> create)
    {
        if (File.Exists(path)) return File.ReadAllBytes(path);
        byte[] content = create();
        Write(path, content);
        return content;
    }

    /// <summary>Replaces the file whole; after a crash it is the old one or the new one.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, RootOnlyFolder);
        DurableFile.Write(path, content, RootOnly);
    }
}
