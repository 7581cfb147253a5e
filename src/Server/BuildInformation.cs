using System.Reflection;

namespace Lamina.Server;

internal static class BuildInformation
{
    /// <summary>Beside the program; a package writes its version into it, which says more than that of the sources.</summary>
    public const string VersionFile = "version";

    /// <summary>For example <c>0.1.0</c>, or <c>0.1.0~git42.1a2b3c4d</c>.</summary>
    public static string Version { get; } = Read(AppContext.BaseDirectory)
        ?? (typeof(BuildInformation).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+')[0];

    private static string? Read(string folder)
    {
        string file = Path.Combine(folder, VersionFile);
        return File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } version ? version : null;
    }
}
