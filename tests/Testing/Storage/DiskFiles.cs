using System.Security.Cryptography;
using Lamina.Linux.Processes;

namespace Lamina.Testing.Storage;

/// <summary>Disk files for tests, made and compared by qemu-img itself.</summary>
internal static class DiskFiles
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    /// <summary>A raw disk with random content and holes.</summary>
    public static void WriteRaw(string path, int mebibytes)
    {
        using var file = File.Create(path);
        file.SetLength((long)mebibytes << 20);
        for (var offset = 0L; offset < file.Length; offset += 4 << 20)
        {
            file.Position = offset;
            file.Write(RandomNumberGenerator.GetBytes(1 << 20));
        }
    }

    public static async Task<CommandResult> QemuImgAsync(params string[] arguments)
    {
        var result = await Command.RunAsync(new CommandSpec { Program = "qemu-img", Arguments = arguments, Timeout = Deadline }, CancellationToken.None);
        return result.EnsureSuccess();
    }

    /// <summary>Throws unless a guest would see the same on both.</summary>
    public static Task CompareAsync(string raw, string qcow2) => QemuImgAsync("compare", "-f", "raw", "-F", "qcow2", raw, qcow2);
}
