using System.Text.Json.Serialization;

namespace Lamina.Bench.Web;

/// <summary>What <c>./dev bench web</c> found out. Percentages are of one core.</summary>
internal sealed record WebResult
{
    public required DateTimeOffset At { get; init; }
    public required Machine Machine { get; init; }
    public required int Vms { get; init; }
    public required int Hosts { get; init; }

    /// <summary>From the begin of the navigation to the first row of the table of VMs, in milliseconds, nothing being in the browser's cache.</summary>
    public required Summary FirstRows { get; init; }
    public required PagesResult Pages { get; init; }

    /// <summary>Of status, while pages were open.</summary>
    public required double ChangesPerSecond { get; init; }

    /// <summary>Of the daemon with the same load and no page.</summary>
    public required double DaemonAloneCpuPercent { get; init; }

    /// <summary>Of the daemon with all pages open.</summary>
    public required double DaemonCpuPercent { get; init; }

    /// <summary>What the pages cost the daemon.</summary>
    public double PagesCostDaemonPercent => DaemonCpuPercent - DaemonAloneCpuPercent;
}

/// <summary>What <c>web/bench/load.mjs first</c> prints.</summary>
internal sealed record FirstRows(IReadOnlyList<double> FirstRowsMs);

/// <summary>What <c>web/bench/load.mjs pages</c> prints.</summary>
internal sealed record PagesResult
{
    public required int Pages { get; init; }
    public required DateTimeOffset BeganAt { get; init; }
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>That the table of a page had in the end.</summary>
    public required int Rows { get; init; }

    /// <summary>Of the process of each page, with all of its threads.</summary>
    public required IReadOnlyList<double> PageCpuPercent { get; init; }

    /// <summary>Of the main thread of a page, on the mean: all of it, JavaScript, layout and style.</summary>
    public required double TaskPercent { get; init; }
    public required double ScriptPercent { get; init; }
    public required double LayoutPercent { get; init; }

    /// <summary>Of the browser's other processes, for all pages: network, drawing.</summary>
    public required double RestCpuPercent { get; init; }

    /// <summary>Whether each page had its line to the daemon in the end.</summary>
    public required IReadOnlyList<bool> Lines { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(WebResult))]
[JsonSerializable(typeof(FirstRows))]
[JsonSerializable(typeof(PagesResult))]
internal sealed partial class WebBenchJson : JsonSerializerContext;
