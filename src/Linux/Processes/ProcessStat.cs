using System.Globalization;

namespace Lamina.Linux.Processes;

/// <summary>The members of /proc/pid/stat used here (proc(5)).</summary>
/// <param name="State">R, S, D, Z (zombie), T, X (dead)…</param>
/// <param name="StartTicks">Clock ticks between boot and the start of the process.</param>
public sealed record ProcessStat(char State, ulong StartTicks)
{
    public bool IsDead => State is 'Z' or 'X' or 'x';

    public static ProcessStat? Read(int processId)
    {
        try
        {
            return Parse(File.ReadAllText($"/proc/{processId}/stat"));
        }
        catch (IOException)
        {
            return null; // no such process, or it ended between open and read (ESRCH)
        }
    }

    /// <summary>The second field, the command, stands in parentheses and may hold spaces and parentheses itself, so count from the last one.</summary>
    internal static ProcessStat? Parse(string text)
    {
        var end = text.LastIndexOf(')');
        if (end < 0) return null;
        var fields = text[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (fields.Length < 20
            || fields[0].Length != 1
            || !ulong.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var start)) return null;
        return new(fields[0][0], start);
    }
}
