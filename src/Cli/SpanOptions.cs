namespace Lamina.Cli;

/// <summary>Options whose value is a length of time.</summary>
internal static class SpanOptions
{
    /// <exception cref="CliException">It is none.</exception>
    public static TimeSpan Parse(string text)
    {
        if (text.Length < 2 || !int.TryParse(text[..^1], out var count) || count <= 0) throw NoSpan(text);
        return text[^1] switch
        {
            'd' => TimeSpan.FromDays(count),
            'h' => TimeSpan.FromHours(count),
            'm' => TimeSpan.FromMinutes(count),
            's' => TimeSpan.FromSeconds(count),
            _ => throw NoSpan(text),
        };
    }

    private static CliException NoSpan(string text) => new(ExitCode.Usage, $"{text} is no length of time", "write for example 90d, 12h, 30m or 45s");
}
