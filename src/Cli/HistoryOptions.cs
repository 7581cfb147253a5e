using System.CommandLine;
using Lamina.Api.Client;

namespace Lamina.Cli;

/// <summary>Which part of the past, and which figures of it: for <c>vm metrics</c> and <c>host metrics</c>.</summary>
internal sealed class HistoryOptions
{
    private readonly Option<string?> _since = new("--since") { Description = "from so long ago (90m, 6h, 7d) or from a time; default 1h", HelpName = "time" };
    private readonly Option<string?> _until = new("--until") { Description = "until so long ago, or a time; default now", HelpName = "time" };
    private readonly Option<int?> _step = new("--step") { Description = "seconds between points; default as fine as it is kept", HelpName = "seconds" };
    private readonly Option<string[]> _figure = new("--figure") { Description = "only this figure, * for anything; may be repeated", HelpName = "name" };

    public IReadOnlyList<Option> All => [_since, _until, _step, _figure];

    public MetricRange Range(Invocation invocation) => new(Ago(invocation.Value(_since) ?? "1h"), Ago(invocation.Value(_until)), invocation.Value(_step));

    public IReadOnlyList<string> Only(Invocation invocation) => invocation.Value(_figure) ?? [];

    /// <summary><c>6h</c> is so long ago by the server's clock; anything else is a time.</summary>
    private static string? Ago(string? text) => text is [.. var digits, 's' or 'm' or 'h' or 'd'] && digits.Length > 0 && digits.All(char.IsAsciiDigit) ? "-" + text : text;
}
