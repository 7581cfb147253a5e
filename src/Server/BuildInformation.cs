using System.Reflection;

namespace Lamina.Server;

internal static class BuildInformation
{
    /// <summary>For example <c>0.1.0</c>.</summary>
    public static string Version { get; } =
        (typeof(BuildInformation).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+')[0];
}
