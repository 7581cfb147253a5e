using Lamina.Linux.Processes;

namespace Lamina.Testing.Storage;

/// <summary>A file system that can really be full: a small tmpfs of the test's own.</summary>
internal sealed class SmallFileSystem : IAsyncDisposable
{
    private SmallFileSystem(string path) => Path = path;

    public string Path { get; }

    /// <param name="mebibytes">Its size.</param>
    /// <param name="at">A folder, made if need be; null: one of its own.</param>
    public static async Task<SmallFileSystem> MountAsync(int mebibytes, string? at = null)
    {
        var path = at is null ? Directory.CreateTempSubdirectory("lamina-small-").FullName : Directory.CreateDirectory(at).FullName;
        await RunAsync("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=0700", "lamina-test", path);
        return new SmallFileSystem(path);
    }

    /// <summary>Writes a file until there is no room, to the last byte.</summary>
    public static async Task FillAsync(string ballast)
    {
        await using var file = File.Create(ballast);
        byte[] piece = new byte[4096];
        try
        {
            while (true)
            {
                await file.WriteAsync(piece);
                await file.FlushAsync();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("umount", Path);
        Directory.Delete(Path);
    }

    private static async Task RunAsync(string program, params string[] arguments) =>
        (await Command.RunAsync(new CommandSpec { Program = program, Arguments = arguments, Timeout = TimeSpan.FromSeconds(30) }, CancellationToken.None)).EnsureSuccess();
}
