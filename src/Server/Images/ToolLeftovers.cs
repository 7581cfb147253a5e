using System.Globalization;
using System.Text;
using Lamina.Linux.Processes;

namespace Lamina.Server.Images;

/// <summary>
/// Ends tools that a daemon which died left running: they bear their operation in their environment, which every descendant inherits. Called before
/// an operation's work is begun anew, and by the sweep.
/// </summary>
internal static class ToolLeftovers
{
    /// <summary>Name of the environment variable; its value is the operation's id.</summary>
    public const string Mark = "LAMINA_OPERATION";

    /// <summary>Kills every process of the operation and waits until none is left.</summary>
    /// <returns>How many there were.</returns>
    public static async Task<int> EndAsync(string operation, CancellationToken cancellation)
    {
        var ended = 0;
        while (Find(operation) is { Count: > 0 } processes)
        {
            foreach (var identity in processes)
            {
                using var process = ChildProcess.Adopt(identity);
                if (process is not null && process.Send(Signal.Kill))
                {
                    ended++;
                    await process.WaitForExitAsync(cancellation);
                }
            }
        }

        return ended;
    }

    private static List<ProcessIdentity> Find(string operation)
    {
        var mark = Encoding.UTF8.GetBytes($"{Mark}={operation}\0");
        var found = new List<ProcessIdentity>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == Environment.ProcessId)
            {
                continue;
            }

            // The identity first: an environment read after it can only be this process's or a later one's, which Adopt then refuses.
            if (ProcessIdentity.Read(id) is { } identity && Bears(id, mark))
            {
                found.Add(identity);
            }
        }

        return found;
    }

    private static bool Bears(int processId, byte[] mark)
    {
        try
        {
            return File.ReadAllBytes($"/proc/{processId}/environ").AsSpan().IndexOf(mark) >= 0;
        }
        catch (IOException)
        {
            return false; // it ended meanwhile
        }
        catch (UnauthorizedAccessException)
        {
            return false; // not even root may look into it, so it is none of ours
        }
    }
}
