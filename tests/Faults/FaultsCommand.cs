using System.Runtime.InteropServices;
using Lamina.Linux;
using Lamina.Testing.Bed;

namespace Lamina.Tests.Faults;

/// <summary><c>./dev faults</c>: migrations between real daemons, to each of which something happens; checker guests judge.</summary>
internal static class FaultsCommand
{
    private const string Help = """
        ./dev faults [--faults N] [--seed S] [--minutes M] [--at-once K] [--only NAME,...] [--report FILE]

          --faults N    so many migrations (default 200)
          --seed S      of everything that is left to chance; it is printed
          --minutes M   no further round begins after so long
          --at-once K   migrations of one round (default 2)
          --only NAMES  only these faults; their names stand in tests/Testing/Bed/BedFault.cs
          --report FILE JSON: every migration, and what became of it
        """;

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        if (FaultsOptions.Parse(args) is not { } options || options.Only.Any(name => BedFault.All.All(fault => fault.Name != name)))
        {
            await output.WriteLineAsync(Help);
            return 2;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        if (Environment.GetEnvironmentVariable("LAMINA_BED_PROGRAMS") is { } programs) BedHost.Programs = programs;
        var report = new FaultsReport(options.Seed);
        await output.WriteLineAsync($"seed {options.Seed}");
        await new FaultsRun(options, report, output, BootTimeProvider.Shared).RunAsync(stop.Token);
        await File.WriteAllTextAsync(options.Report, report.ToJson(), CancellationToken.None);
        await output.WriteLineAsync(report.Summary());
        return report.IsRight ? 0 : 1;

        // After the round under way: what was made must go with it.
        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }
}
