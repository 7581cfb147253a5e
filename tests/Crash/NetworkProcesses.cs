using System.Globalization;
using Lamina.Linux.Processes;
using Lamina.Testing;

namespace Lamina.Tests.Crash;

/// <summary>Who lives in a network namespace.</summary>
internal static class NetworkProcesses
{
    /// <summary>Every process whose threads are all in it; this program's own are not.</summary>
    public static IReadOnlyList<ProcessIdentity> In(NetworkNamespace network)
    {
        string? wanted = network.Run(() => new FileInfo("/proc/thread-self/ns/net").LinkTarget);
        return [.. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : 0)
            .Where(id => id > 0 && id != Environment.ProcessId && NamespaceOf(id) == wanted)
            .Select(ProcessIdentity.Read)
            .OfType<ProcessIdentity>()];
    }

    public static IReadOnlyList<string> ArgumentsOf(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/cmdline").Split('\0');
        }
        catch (IOException)
        {
            return []; // it ended meanwhile
        }
    }

    private static string? NamespaceOf(int processId)
    {
        try
        {
            return new FileInfo($"/proc/{processId}/ns/net").LinkTarget;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
