using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary><c>vm migrate</c></summary>
internal static class VmMigrateCommand
{
    private static readonly IReadOnlyList<Column<MigrationForecast>> Fields =
    [
        new("from", forecast => forecast.From),
        new("to", forecast => forecast.To),
        new("kind", forecast => forecast.Kind == HandoverKind.Live ? "live" : "at rest"),
        new("disks that go along", forecast => forecast.Disks.Count == 0 ? null : $"{forecast.Disks.Count}, {Sizes.Format(forecast.Disks.Sum(disk => disk.SizeBytes))}"),
        new("in the way", forecast => forecast.Blockers.Count == 0 ? "nothing" : string.Join('\n', forecast.Blockers.Select(blocker => $"{blocker.Message} {blocker.Remedy}".Trim()))),
    ];

    public static Command Build()
    {
        var vm = VmArgument.Create();
        var to = new Option<string>("--to") { Description = "the host to go to", HelpName = "host", Required = true };
        var withStorage = new Option<bool>("--with-storage") { Description = "disks that the other host cannot reach go along" };
        var pool = new Option<string?>("--pool") { Description = "where they live there (default: the pool of the same name)", HelpName = "name" };
        var rate = new Option<string?>("--max-rate") { Description = "most that is sent a second, for example 100MiB", HelpName = "size" };
        var offline = new Option<bool>("--offline") { Description = "only if it does not run" };
        var dryRun = new Option<bool>("--dry-run") { Description = "say what would be done and what stands in the way" };
        return CommandBuilder.Verb("migrate", "move it to another host, while its guest runs or at rest", [vm, to, withStorage, pool, rate, offline, dryRun], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(vm);
            var migrate = new VmMigrate
            {
                To = invocation.Value(to)!,
                WithStorage = invocation.Value(withStorage),
                Pool = invocation.Value(pool),
                MaxBytesPerSecond = invocation.Value(rate) is { } text ? SizeOptions.Bytes(rate.Name, text) : null,
                Offline = invocation.Value(offline),
            };
            if (invocation.Value(dryRun))
            {
                var forecast = await invocation.Client.Vms.ForecastMigrationAsync(name, migrate, cancellationToken);
                invocation.Printer.Show(forecast, ApiJson.Default.MigrationForecast, Fields);
                return forecast.Blockers.Count == 0 ? ExitCode.Done : ExitCode.Conflict;
            }

            var operation = await invocation.Client.Vms.MigrateAsync(name, migrate, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"{name} is on {migrate.To}", cancellationToken);
        });
    }
}
