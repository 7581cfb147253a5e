namespace Lamina.Cli.Output;

/// <summary>Times as people read them: in their own zone, without the parts that nobody looks at.</summary>
internal static class Times
{
    public static string Absolute(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss");

    public static string Duration(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => $"{span.TotalMilliseconds:0} ms",
        { TotalMinutes: < 2 } => $"{span.TotalSeconds:0} s",
        { TotalHours: < 2 } => $"{span.TotalMinutes:0} min",
        { TotalDays: < 2 } => $"{span.TotalHours:0} h",
        _ => $"{span.TotalDays:0} d",
    };
}
