using Lamina.Linux.Processes;
using Lamina.Testing;

namespace Lamina.Tests.Crash;

/// <summary>The daemon that can end itself: built into folders of its own, so that no other build ever has its points.</summary>
internal static class DaemonBuild
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);
    private static readonly string Folder = Repository.PathOf("artifacts", "crash");

    /// <summary>Named by the caller (<c>./dev crash</c> publishes it ahead of time: it starts ten times as fast), else built now.</summary>
    public static async Task<string> LaminadAsync()
    {
        if (Environment.GetEnvironmentVariable("LAMINA_CRASH_DAEMON") is { Length: > 0 } given) return given;
        var build = new CommandSpec
        {
            Program = "dotnet",
            Arguments = ["build", Repository.PathOf("src", "Server"), "-c", "Release", "-p:CrashPoints=true", "--artifacts-path", Folder, "--nologo", "-v", "quiet"],
            WorkingDirectory = Repository.Root,
            Environment = OwnEnvironment(),
            Timeout = Deadline,
        };
        (await Command.RunAsync(build, CancellationToken.None)).EnsureSuccess();
        return Path.Combine(Folder, "bin", "Lamina.Server", "release_linux-x64", "laminad");
    }

    /// <summary>Ours: .NET needs to find its runtime and its home.</summary>
    public static Dictionary<string, string> OwnEnvironment() => Environment.GetEnvironmentVariables()
        .Cast<System.Collections.DictionaryEntry>()
        .ToDictionary(pair => (string)pair.Key, pair => (string)pair.Value!, StringComparer.Ordinal);
}
