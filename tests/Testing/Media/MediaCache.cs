using System.Security.Cryptography;
using Lamina.Linux.Processes;

namespace Lamina.Testing.Media;

/// <summary>
/// Media that tests make once and keep, in a folder whose name is the hash of the scripts that made them: a changed script makes anew.
/// Several test processes may ask at once; one makes, the others wait.
/// </summary>
internal static class MediaCache
{
    private static readonly string Folder = Environment.GetEnvironmentVariable("LAMINA_TEST_MEDIA")
        ?? Repository.PathOf("artifacts", "media");

    /// <param name="name">What the folder is called, for people.</param>
    /// <param name="scripts">What the content depends on; the first is run as `script OUTPUT…`, see <paramref name="arguments"/>.</param>
    /// <param name="arguments">From the folder to fill: the script's arguments.</param>
    /// <returns>The folder, filled.</returns>
    /// <exception cref="CommandException">The script failed; the message carries its last words.</exception>
    public static async Task<string> GetAsync(
        string name, IReadOnlyList<string> scripts, Func<string, IReadOnlyList<string>> arguments, TimeSpan timeout, CancellationToken cancellation)
    {
        var folder = Path.Combine(Folder, $"{name}-{HashOf(scripts)}");
        if (Directory.Exists(folder)) return folder;
        Directory.CreateDirectory(Folder);
        using var _ = await LockAsync($"{folder}.lock", timeout, cancellation);
        if (Directory.Exists(folder)) return folder;
        var unfinished = $"{folder}.tmp";
        if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        Directory.CreateDirectory(unfinished);
        var command = new CommandSpec { Program = "bash", Arguments = [scripts[0], .. arguments(unfinished)], Timeout = timeout };
        (await Command.RunAsync(command, cancellation)).EnsureSuccess();
        Directory.Move(unfinished, folder);
        return folder;
    }

    private static string HashOf(IEnumerable<string> scripts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in scripts.SelectMany(FilesOf)) hash.AppendData(File.ReadAllBytes(path));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    private static IEnumerable<string> FilesOf(string path) =>
        Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [path];

    /// <summary>.NET takes flock(2) for FileShare.None; it tells only that another holds it, so it is asked again.</summary>
    private static async Task<FileStream> LockAsync(string path, TimeSpan timeout, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(timeout);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), deadline.Token);
            }
        }
    }
}
