#if CRASH_POINTS
using System.Globalization;
using Lamina.Linux.Native;
using Lamina.Linux.Processes;

namespace Lamina.Linux;

public static partial class CrashPoints
{
    private static readonly Lock Gate = new();
    private static readonly string? LogPath = Environment.GetEnvironmentVariable("LAMINA_CRASH_LOG");
    private static readonly (string? Name, int Remaining) Target = ParseTarget(Environment.GetEnvironmentVariable("LAMINA_CRASH_AT"));
    private static readonly string? ArmPath = Environment.GetEnvironmentVariable("LAMINA_CRASH_ARM");
    private static bool _armed = ArmPath is null;
    private static int _remaining = Target.Remaining;

    static partial void Reach(string name)
    {
        lock (Gate)
        {
            _armed = _armed || File.Exists(ArmPath);
            if (!_armed) return;
            if (LogPath is not null) File.AppendAllText(LogPath, name + "\n");
            if (name != Target.Name || --_remaining > 0) return;
            _ = Libc.kill(Environment.ProcessId, Signal.Kill);
            // The signal is on its way; nothing after this line may happen.
            using var never = new ManualResetEventSlim();
            never.Wait();
        }
    }

    private static (string? Name, int Remaining) ParseTarget(string? text)
    {
        if (string.IsNullOrEmpty(text)) return (null, 0);
        int colon = text.LastIndexOf(':');
        return colon < 0
            ? (text, 1)
            : (text[..colon], int.Parse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture));
    }
}
#endif
