using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Api;
using Lamina.Server.Placement;

namespace Lamina.Bench;

/// <summary>What <c>./dev bench placement</c> found out. Times are milliseconds.</summary>
internal sealed record PlacementResult
{
    public required DateTimeOffset At { get; init; }
    public required Machine Machine { get; init; }
    public required int Hosts { get; init; }
    public required int Vms { get; init; }
    public required int Rules { get; init; }

    /// <summary>From the request to the host or the reason, and the world with it: the next decision counts it.</summary>
    public required Summary Decision { get; init; }

    /// <summary>The same of VMs that a rule covers.</summary>
    public required Summary DecisionUnderRule { get; init; }

    /// <summary>Every host's reasons for one VM.</summary>
    public required Summary Explanation { get; init; }
    public required int Refused { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PlacementResult))]
internal sealed partial class PlacementBenchJson : JsonSerializerContext;

/// <summary>Decisions of placement in a large installation, in memory and on one thread: the code is the daemon's own.</summary>
internal static class PlacementBench
{
    private const int Hosts = 10_000;
    private const int Vms = 100_000;
    private const int Rules = 100;
    private const int WarmUp = 2_000;
    private const int Decisions = 10_000;
    private const int Explanations = 300;

    /// <summary>Always the same, so that runs can be compared.</summary>
    private const int Seed = 20261123;

    private static readonly int[] SizesMiB = [1024, 2048, 4096, 8192, 16384];

    public static async Task ReportAsync(BenchOptions options)
    {
        string before = Bench.Load();
        var result = Measure() with { Machine = await Bench.MachineAsync(before) };
        await Report.WriteAsync(options.Results, "placement", JsonSerializer.Serialize(result, PlacementBenchJson.Default.PlacementResult) + "\n", Table(result));
    }

    private static PlacementResult Measure()
    {
        var random = new Random(Seed);
        var world = Fill(random);
        var times = new List<double>();
        var underRule = new List<double>();
        int refused = 0;
        for (int index = 0; index < WarmUp + Decisions; index++)
        {
            // As many come as go.
            world.PutVm($"vm{random.Next(Vms)}", null);
            var request = Request(random, $"new{index}");
            long begun = TimeProvider.System.GetTimestamp();
            var verdict = world.Place(request);
            if (verdict.Host is { } host) world.PutVm(request.Id, Placed(request, host));
            double took = Run.Since(begun);
            if (index < WarmUp) continue;
            (request.Tags.Count == 0 ? times : underRule).Add(took);
            if (verdict.Host is null) refused++;
        }

        return new PlacementResult
        {
            At = TimeProvider.System.GetUtcNow(),
            Machine = null!,
            Hosts = Hosts,
            Vms = Vms,
            Rules = Rules,
            Decision = Summary.Of(times),
            DecisionUnderRule = Summary.Of(underRule),
            Explanation = Summary.Of([.. Enumerable.Range(0, Explanations).Select(_ => TimeOf(() => world.Explain(Request(random, "asked"), null)))]),
            Refused = refused,
        };
    }

    private static PlacementWorld Fill(Random random)
    {
        var world = new PlacementWorld();
        for (int index = 0; index < Hosts; index++)
        {
            world.PutHost(new PlacementHost
            {
                Id = $"host{index}",
                Name = $"host{index}",
                MemoryMiB = random.Next(64, 513) << 10,
                Cores = random.Next(16, 129),
                Accelerator = AcceleratorKind.Kvm,
                CommittedMiB = 0,
                Closed = random.Next(50) == 0 ? "it is being emptied" : null,
            });
        }

        for (int index = 0; index < Vms; index++)
        {
            var request = Request(random, $"vm{index}");
            world.PutVm(request.Id, Placed(request, $"host{random.Next(Hosts)}"));
        }

        for (int index = 0; index < Rules; index++)
            world.PutRule($"rule{index}", new PlacementRuleSpec { Name = $"rule{index}", Kind = index % 4 == 0 ? PlacementRuleKind.Together : PlacementRuleKind.Apart, Tags = [$"app{index}"], Preferred = index % 4 == 0 });
        return world;
    }

    /// <summary>One of ten bears the tag of a rule: so a rule covers some hundred VMs.</summary>
    private static PlacementRequest Request(Random random, string id) => new()
    {
        Id = id,
        Name = id,
        MemoryMiB = SizesMiB[random.Next(SizesMiB.Length)],
        Cpus = random.Next(1, 9),
        Tags = random.Next(10) == 0 ? [$"app{random.Next(Rules)}"] : [],
    };

    private static PlacedVm Placed(PlacementRequest request, string host) => new(host, request.Name, request.Project, request.Tags, request.MemoryMiB, request.Cpus, Takes: true);

    private static double TimeOf(Action action)
    {
        long begun = TimeProvider.System.GetTimestamp();
        action();
        return Run.Since(begun);
    }

    private static string Table(PlacementResult result)
    {
        var text = new StringBuilder();
        Line(text, $"# ./dev bench placement");
        Line(text, $"");
        Line(text, $"{result.At:yyyy-MM-dd HH:mm} UTC · {result.Machine.Cpu}, one thread · Linux {result.Machine.Kernel}");
        Line(text, $"Load averages (1, 5, 15 min) before: {result.Machine.LoadBefore}; after: {result.Machine.LoadAfter}.");
        Line(text, $"");
        Line(text, $"{result.Hosts:N0} hosts, {result.Vms:N0} VMs, {result.Rules} rules; {result.Refused} decisions were refusals.");
        Line(text, $"");
        Line(text, $"| milliseconds | n | median | 90 % | 99 % |");
        Line(text, $"|---|---|---|---|---|");
        Row(text, "decision", result.Decision);
        Row(text, "decision on a VM that a rule covers", result.DecisionUnderRule);
        Row(text, "every host's reasons for one VM", result.Explanation);
        Line(text, $"");
        Line(text, $"| figure | measured | to reach | |");
        Line(text, $"|---|---|---|---|");
        Line(text, $"| decision, median | {result.Decision.Median:0.000} ms | ≤ 1 ms | {Reached(result.Decision.Median <= 1)} |");
        Line(text, $"| decision, 99 % | {result.Decision.P99:0.000} ms | ≤ 5 ms | {Reached(result.Decision.P99 <= 5)} |");
        Line(text, $"| decision under a rule, 99 % | {result.DecisionUnderRule.P99:0.000} ms | ≤ 5 ms | {Reached(result.DecisionUnderRule.P99 <= 5)} |");
        text.Append("""

            How: the daemon's own code in a JIT process of its own, on one core; the world is drawn with a fixed seed, and each decision is entered into it before the next.

            """);
        return text.ToString();
    }

    private static string Reached(bool reached) => reached ? "reached" : "**missed**";

    private static void Row(StringBuilder text, string what, Summary summary) => Line(text, $"| {what} | {summary.Count} | {summary.Median:0.000} | {summary.P90:0.000} | {summary.P99:0.000} |");

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
