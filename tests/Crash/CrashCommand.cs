using System.Globalization;
using System.Runtime.InteropServices;
using Lamina.Linux;

namespace Lamina.Tests.Crash;

/// <summary><c>./dev crash</c>: visits every crash point, then random ones, and says what did not come right.</summary>
internal static class CrashCommand
{
    private const string Help = """
        ./dev crash [--scenario NAME]... [--only PART] [--nth N] [--random N] [--seed S] [--list] [POINT...]

          --scenario NAME  only this one; may be given several times
          --only PART      only the points whose name (scenario/point:nth) contains PART
          --nth N          visit each point up to the Nth time it is reached in its scenario (default 3)
          --random N       then N random visits, of any time that a point was reached (default 20)
          --seed S         of the random ones; it is printed
          --list           only list the points
          POINT            visit just these: scenario/name:nth
        """;

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        if (CrashOptions.Parse(args) is not { } options)
        {
            await output.WriteLineAsync(Help);
            return 2;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        string laminad = await DaemonBuild.LaminadAsync();
        string name = $"c{Environment.ProcessId:x}";
        await using var world = new World(laminad, Path.Combine(Path.GetTempPath(), name), name);
        string store = Directory.CreateTempSubdirectory("lamina-crash-").FullName;
        try
        {
            var scenarios = new Scenarios(Path.Combine(store, "media"));
            var runner = new Runner(world, scenarios, store);
            await runner.PrepareAsync();
            return await VisitAsync(runner, scenarios.All, options, output, stop.Token);
        }
        finally
        {
            Directory.Delete(store, recursive: true);
        }

        // After the visit under way: what it made must go with it.
        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    private static async Task<int> VisitAsync(Runner runner, IReadOnlyList<Scenario> scenarios, CrashOptions options, TextWriter output, CancellationToken stop)
    {
        var clock = BootTimeProvider.Shared;
        long began = clock.GetTimestamp();
        var byName = scenarios.ToDictionary(scenario => scenario.Name);
        var all = new List<CrashPoint>();
        foreach (var scenario in scenarios.Where(scenario => options.Wants(scenario)))
        {
            var points = await runner.EnumerateAsync(scenario);
            all.AddRange(points);
            await output.WriteLineAsync($"{scenario.Name}: {points.Count(point => point.Nth == 1)} points, reached {points.Count} times");
            if (options.List) foreach (var point in points) await output.WriteLineAsync($"  {point}");
        }

        if (options.List) return 0;
        var random = new Random(options.Seed);
        IReadOnlyList<CrashPoint> visits = options.Points.Count > 0
            ? options.Points
            : [.. all.Where(point => point.Nth <= options.Nth && options.Wants(point)), .. random.GetItems(all.Where(options.Wants).ToArray(), options.Random)];
        await output.WriteLineAsync($"{all.Select(point => point.Name).Distinct().Count()} points in {byName.Count} scenarios; {visits.Count} visits, seed {options.Seed}");
        var results = new List<RunResult>();
        foreach (var point in visits.TakeWhile(_ => !stop.IsCancellationRequested))
        {
            var result = await runner.RunAsync(byName[point.Scenario], point);
            results.Add(result);
            await ReportAsync(result, results.Count, visits.Count, output);
        }

        int failed = results.Count(result => result.Failure is not null);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{results.Count} visits in {clock.GetElapsedTime(began).TotalSeconds:0} s: {results.Count - failed} came right, {failed} did not; {results.Count(result => !result.Reached)} points were not reached, {results.Count(result => result.SweptLater.Count > 0)} needed a further sweep"));
        foreach (var result in results.Where(result => result.Failure is not null)) await output.WriteLineAsync($"  {result.Point}: {result.Failure!.Split('\n')[0]}");
        return failed == 0 ? 0 : 1;
    }

    private static async Task ReportAsync(RunResult result, int number, int count, TextWriter output)
    {
        string how = result.Failure is not null ? "FAILED" : !result.Reached ? "not reached" : result.SweptLater.Count > 0 ? $"swept later: {string.Join("; ", result.SweptLater)}" : "";
        await output.WriteLineAsync($"[{number}/{count}] {result.Point} {how}".TrimEnd());
        if (result.Failure is null) return;
        await output.WriteLineAsync(result.Failure);
        await output.WriteLineAsync(result.Output);
    }
}

/// <summary>What was asked of <see cref="CrashCommand"/>.</summary>
internal sealed record CrashOptions
{
    public IReadOnlyList<string> Scenarios { get; init; } = [];
    public string Only { get; init; } = "";
    public int Nth { get; init; } = 3;
    public int Random { get; init; } = 20;
    public int Seed { get; init; } = Environment.ProcessId;
    public bool List { get; init; }
    public IReadOnlyList<CrashPoint> Points { get; init; } = [];

    /// <summary>Null: not understood.</summary>
    public static CrashOptions? Parse(string[] args)
    {
        var options = new CrashOptions();
        for (int index = 0; index < args.Length; index++)
        {
            string? Value() => ++index < args.Length ? args[index] : null;
            int Number() => int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1;
            options = args[index] switch
            {
                "--scenario" => options with { Scenarios = [.. options.Scenarios, Value() ?? ""] },
                "--only" => options with { Only = Value() ?? "" },
                "--nth" => options with { Nth = Number() },
                "--random" => options with { Random = Number() },
                "--seed" => options with { Seed = Number() },
                "--list" => options with { List = true },
                { } point when point.Contains('/') => options with { Points = [.. options.Points, CrashPoint.Parse(point)] },
                _ => options with { Nth = -1 },
            };
        }

        return options.Nth < 0 || options.Random < 0 || options.Seed < 0 ? null : options;
    }

    public bool Wants(Scenario scenario) => Points.Count > 0
        ? Points.Any(point => point.Scenario == scenario.Name)
        : Scenarios.Count == 0 || Scenarios.Contains(scenario.Name);

    public bool Wants(CrashPoint point) => point.ToString().Contains(Only, StringComparison.Ordinal);
}
