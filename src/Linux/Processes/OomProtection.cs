using System.Globalization;
using Lamina.Linux.Host;

namespace Lamina.Linux.Processes;

/// <summary>Whom the kernel ends when memory is short (proc(5), oom_score_adj).</summary>
public static class OomProtection
{
    private const string Own = "/proc/self/oom_score_adj";

    /// <summary>Ours, as it is inherited; read once, since <see cref="Set"/> alone changes it.</summary>
    private static int s_own = Parse(ProcFile.TryRead(Own));

    /// <summary>Sets ours: -1000 is never, 0 the usual.</summary>
    /// <returns>False: we may not.</returns>
    public static bool Set(int adjustment)
    {
        if (!Write(Own, adjustment)) return false;
        s_own = adjustment;
        return true;
    }

    /// <summary>A child has inherited ours. One that has ended needs nothing, and one that we may not change stays as it is.</summary>
    internal static void SetChild(int processId, int adjustment)
    {
        if (adjustment != s_own) _ = Write($"/proc/{processId}/oom_score_adj", adjustment);
    }

    private static bool Write(string path, int adjustment)
    {
        try
        {
            File.WriteAllText(path, adjustment.ToString(CultureInfo.InvariantCulture));
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static int Parse(string? text) => int.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int number) ? number : 0;
}
