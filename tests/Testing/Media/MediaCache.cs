using System.Security.Cryptography;
using System.Text;
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
    /// <param name="scripts">What the content depends on; the first one makes it, called with the folder to fill.</param>
    /// <param name="timeout">For the making.</param>
    /// <param name="cancellation">Ends the making.</param>
    /// <param name="arguments">Of the script, after the folder; the content depends on them, too.</param>
    /// <returns>The folder, filled.</returns>
    /// <exception cref="CommandException">The script failed; the message carries its last words.</exception>
    public static async Task<string> GetAsync(string name, IReadOnlyList<string> scripts, TimeSpan timeout, CancellationToken cancellation, params string[] arguments)
    {
        var folder = Path.Combine(Folder, $"{name}-{HashOf(scripts, arguments)}");
        if (Directory.Exists(folder)) return folder;
        Directory.CreateDirectory(Folder);
        var command = new CommandSpec
        {
            Program = "flock",
            Arguments = [$"{folder}.lock", "bash", Repository.PathOf("tests", "Testing", "Media", "once.sh"), folder, scripts[0], .. arguments],
            Timeout = timeout,
        };
        (await Command.RunAsync(command, cancellation)).EnsureSuccess();
        return folder;
    }

    private static string HashOf(IEnumerable<string> scripts, IEnumerable<string> arguments)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in scripts.SelectMany(FilesOf)) hash.AppendData(File.ReadAllBytes(path));
        foreach (var argument in arguments) hash.AppendData(Encoding.UTF8.GetBytes(argument));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    private static IEnumerable<string> FilesOf(string path) =>
        Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [path];
}
