using System.CommandLine;
using System.Globalization;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>cluster rebalance</c></summary>
internal static class RebalanceCommand
{
    private static readonly IReadOnlyList<Column<BalanceHost>> Hosts =
    [
        new("host", h => h.Name),
        new("load", h => Percent(h.LoadPercent), AlignRight: true),
        new("cpu", h => Percent(h.CpuPercent), AlignRight: true),
        new("memory", h => Percent(h.MemoryPercent), AlignRight: true),
        new("waiting for cpu", h => Percent(h.PressureCpuPercent), AlignRight: true),
        new("for memory", h => Percent(h.PressureMemoryPercent), AlignRight: true),
    ];

    private static readonly IReadOnlyList<Column<BalanceMove>> Moves =
    [
        new("vm", m => m.VmName),
        new("from", m => m.FromName),
        new("to", m => m.ToName),
        new("why", m => m.Reason),
    ];

    public static Command Build()
    {
        var auto = new Option<BalanceMode?>("--auto") { Description = "off, advise (show worthwhile moves), or auto (carry them out)", HelpName = "off|advise|auto" };
        var dryRun = new Option<bool>("--dry-run") { Description = "only show the moves" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("rebalance", "even out the load of the hosts by few, worthwhile moves", [auto, dryRun, yes], async (invocation, cancellationToken) =>
        {
            if (invocation.Value(auto) is { } mode)
            {
                var settings = (await invocation.Client.Placement.GetAsync(cancellationToken)).Value.Settings;
                await invocation.Client.Placement.UpdateAsync(new PlacementSettingsUpdate { Strategy = settings.Strategy, CpuModel = settings.CpuModel, Balance = mode }, cancellationToken);
                invocation.Say($"balancing of load: {mode.ToString().ToLowerInvariant()}");
                return ExitCode.Done;
            }

            var report = await invocation.Client.Placement.GetBalanceAsync(cancellationToken);
            Print(invocation, report);
            if (report.Moves.Count == 0 || invocation.Value(dryRun)) return ExitCode.Done;
            Terminal.Confirm($"Carry out {report.Moves.Count} moves?", invocation.Value(yes));
            var outcome = ExitCode.Done;
            foreach (var move in report.Moves)
            {
                var operation = await invocation.Client.Vms.MigrateAsync(move.Vm, new VmMigrate { To = move.To }, cancellationToken);
                var ended = await OperationFollower.FinishAsync(invocation, operation, $"{move.VmName} is on {move.ToName}", cancellationToken);
                if (ended != ExitCode.Done) outcome = ended;
            }

            return outcome;
        });
    }

    private static void Print(Invocation invocation, BalanceReport report)
    {
        if (invocation.Printer.Format != OutputFormat.Table)
        {
            invocation.Printer.Show(report, ApiJson.Default.BalanceReport, []);
            return;
        }

        invocation.Printer.Rows(report.Hosts, Hosts);
        if (report.Moves.Count > 0) invocation.Printer.Rows(report.Moves, Moves);
        invocation.Say(report.Reason);
    }

    private static string? Percent(double? value) => value is { } percent ? string.Create(CultureInfo.InvariantCulture, $"{percent:0} %") : null;
}
