using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Testing.Bed;
using Lamina.Testing.Checker;

namespace Lamina.Tests.Faults;

/// <summary>What became of all migrations.</summary>
internal sealed class FaultsReport(int seed)
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    private readonly List<BedResult> _results = [];
    private readonly List<EvacuationResult> _evacuations = [];

    public int Count => _results.Count;

    public int Evacuations => _evacuations.Count;

    /// <summary>Migrations with their fault, and evacuations.</summary>
    public int Rounds { get; set; }

    public bool IsRight => _results.Count > 0 && _results.All(result => result.Wrong is null) && _evacuations.All(result => result.Wrong is null);

    public void Add(BedResult result) => _results.Add(result);

    public void Add(EvacuationResult result) => _evacuations.Add(result);

    public string Summary()
    {
        int Of(Func<BedResult, bool> isSo) => _results.Count(isSo);
        return $"{Count} migrations: {Of(Moved)} moved, {Of(result => result.Wrong is null && !Moved(result))} stayed whole; {Of(IsDoubled)} doubled, {Of(IsCorrupt)} corrupt, {Of(result => result.IsStuck)} stuck, {Of(IsElse)} wrong otherwise; {Evacuations} hosts emptied and filled, {_evacuations.Count(result => result.Wrong is not null)} wrong (seed {seed})";
    }

    public string ToJson()
    {
        var faults = new JsonObject();
        foreach (var group in _results.GroupBy(result => result.Fault).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            faults[group.Key] = new JsonObject
            {
                ["migrations"] = group.Count(),
                ["moved"] = group.Count(Moved),
                ["wrong"] = group.Count(result => result.Wrong is not null),
                ["longestGapMs"] = (long)group.Max(result => result.Gap).TotalMilliseconds,
                ["endings"] = new JsonObject(group.GroupBy(result => result.Failure ?? result.Phase?.ToString().ToLowerInvariant() ?? "none").Select(ending => KeyValuePair.Create(ending.Key, (JsonNode?)ending.Count()))),
            };
        }

        return new JsonObject
        {
            ["seed"] = seed,
            ["migrations"] = Count,
            ["doubled"] = _results.Count(IsDoubled),
            ["corrupt"] = _results.Count(IsCorrupt),
            ["stuck"] = _results.Count(result => result.IsStuck),
            ["wrongOtherwise"] = _results.Count(IsElse),
            ["faults"] = faults,
            ["wrong"] = new JsonArray([.. _results.Where(result => result.Wrong is not null).Select(Entry)]),
            ["evacuations"] = new JsonArray([.. _evacuations.Select(Entry)]),
            ["all"] = new JsonArray([.. _results.Select(Entry)]),
        }.ToJsonString(s_indented);
    }

    public static string Line(BedResult result) =>
        $"{result.Fault,-14} {result.Vm} {result.From}->{result.To}{(result.WithStorage ? " with its disk" : "")}: {result.Failure ?? result.Phase?.ToString() ?? "?"}, gap {result.Gap.TotalMilliseconds:F0} ms"
        + $"{(result.BeganAnew ? ", began anew" : "")}{(result.Wrong is null ? "" : $"  WRONG: {result.Wrong}")}";

    public static string Line(EvacuationResult result) =>
        $"{result.Host} emptied, {result.Fault}: {result.Entered?.ToString() ?? "?"}, {result.Left} of {result.Guests} left; exit {result.Exited?.ToString() ?? "none"}, {result.Back} there"
        + (result.Wrong is null ? "" : $"  WRONG: {result.Wrong}");

    private static bool Moved(BedResult result) => result is { Wrong: null, Phase: OperationPhase.Succeeded };

    private static bool IsDoubled(BedResult result) => result.Findings.Any(finding => finding.Verdict == CheckerVerdict.Doubled);

    private static bool IsCorrupt(BedResult result) => result.Findings.Any(finding => finding.Verdict != CheckerVerdict.Doubled);

    private static bool IsElse(BedResult result) => result is { Wrong: not null, IsStuck: false } && result.Findings.Count == 0;

    private static JsonObject Entry(BedResult result) => new()
    {
        ["fault"] = result.Fault,
        ["vm"] = result.Vm,
        ["from"] = result.From,
        ["to"] = result.To,
        ["withStorage"] = result.WithStorage,
        ["phase"] = result.Phase?.ToString().ToLowerInvariant(),
        ["failure"] = result.Failure,
        ["gapMs"] = (long)result.Gap.TotalMilliseconds,
        ["beganAnew"] = result.BeganAnew,
        ["wrong"] = result.Wrong,
    };

    private static JsonObject Entry(EvacuationResult result) => new()
    {
        ["fault"] = result.Fault.ToString(),
        ["host"] = result.Host,
        ["guests"] = result.Guests,
        ["entered"] = result.Entered?.ToString().ToLowerInvariant(),
        ["left"] = result.Left,
        ["exited"] = result.Exited?.ToString().ToLowerInvariant(),
        ["back"] = result.Back,
        ["wrong"] = result.Wrong,
    };
}
