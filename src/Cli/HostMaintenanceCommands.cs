using System.CommandLine;
using System.Globalization;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>host maintenance</c>, <c>host evacuate</c>, <c>host reboot</c>, <c>host shutdown</c></summary>
internal static class HostMaintenanceCommands
{
    private static readonly IReadOnlyList<Column<EvacuatedVm>> Rows =
    [
        new("vm", vm => vm.Name),
        new("goes to", vm => vm.To ?? "stays"),
        new("how", vm => vm.Live ? "live" : "at rest"),
        new("to send", vm => vm.Bytes > 0 ? Sizes.Format(vm.Bytes) : null, AlignRight: true),
        new("in the way", vm => vm.Reasons.Count == 0 ? null : string.Join(' ', vm.Reasons.Select(reason => $"{reason.Message} {reason.Remedy}".Trim()))),
    ];

    public static Command Maintenance() => CommandBuilder.Noun("maintenance", "keep it empty for a while", Enter(), Exit());

    public static Command Evacuate()
    {
        var (host, withStorage, skip, dryRun) = (HostArgument.Create(), WithStorage(), SkipBlocked(), DryRun());
        return CommandBuilder.Verb("evacuate", "empty it; it goes on taking VMs", [host, withStorage, skip, dryRun], async (invocation, cancellationToken) =>
        {
            string name = await HostArgument.NameAsync(invocation, host, cancellationToken);
            if (invocation.Value(dryRun)) return await ForecastAsync(invocation, name, invocation.Value(withStorage), cancellationToken);
            var operation = await invocation.Client.Hosts.EvacuateAsync(name, new HostEvacuate { WithStorage = invocation.Value(withStorage), SkipBlocked = invocation.Value(skip) }, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"the VMs that could go have left {name}", cancellationToken);
        });
    }

    public static Command Power(string verb, HostPowerAction action)
    {
        var (host, withStorage, dryRun, yes) = (HostArgument.Create(), WithStorage(), DryRun(), SharedOptions.Yes());
        var stop = new Option<bool>("--stop-guests") { Description = "guests that cannot go are asked to power off" };
        string what = action == HostPowerAction.Reboot ? "empty it, and reboot the machine" : "empty it, and switch the machine off";
        return CommandBuilder.Verb(verb, $"{what}; it stays in maintenance until 'host maintenance exit'", [host, withStorage, stop, dryRun, yes], async (invocation, cancellationToken) =>
        {
            string name = await HostArgument.NameAsync(invocation, host, cancellationToken);
            if (invocation.Value(dryRun)) return await ForecastAsync(invocation, name, invocation.Value(withStorage), cancellationToken);
            Terminal.Confirm($"Empty {name} and {(action == HostPowerAction.Reboot ? "reboot it" : "switch it off")}?", invocation.Value(yes));
            var request = new HostPowerRequest { Action = action, WithStorage = invocation.Value(withStorage), StopGuests = invocation.Value(stop) };
            var operation = await invocation.Client.Hosts.PowerAsync(name, request, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"{name} is empty and was asked to {verb}; when it is back: lamina host maintenance exit {name}", cancellationToken);
        });
    }

    private static Command Enter()
    {
        var (host, withStorage, skip, dryRun) = (HostArgument.Create(), WithStorage(), SkipBlocked(), DryRun());
        var reason = new Option<string?>("--reason") { Description = "what it is for", HelpName = "text" };
        return CommandBuilder.Verb("enter", "let its VMs go elsewhere, and place none there", [host, reason, withStorage, skip, dryRun], async (invocation, cancellationToken) =>
        {
            string name = await HostArgument.NameAsync(invocation, host, cancellationToken);
            if (invocation.Value(dryRun)) return await ForecastAsync(invocation, name, invocation.Value(withStorage), cancellationToken);
            var request = new HostMaintenanceRequest
            {
                Action = HostMaintenanceAction.Enter,
                Reason = invocation.Value(reason),
                WithStorage = invocation.Value(withStorage),
                SkipBlocked = invocation.Value(skip),
            };
            var operation = await invocation.Client.Hosts.MaintainAsync(name, request, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"{name} is in maintenance; in the end: lamina host maintenance exit {name}", cancellationToken);
        });
    }

    private static Command Exit()
    {
        var host = HostArgument.Create();
        var noReturn = new Option<bool>("--no-return") { Description = "the VMs that left stay where they are" };
        return CommandBuilder.Verb("exit", "let it take VMs again, and let those that left come back", [host, noReturn], async (invocation, cancellationToken) =>
        {
            string name = await HostArgument.NameAsync(invocation, host, cancellationToken);
            var request = new HostMaintenanceRequest { Action = HostMaintenanceAction.Exit, NoReturn = invocation.Value(noReturn) };
            var operation = await invocation.Client.Hosts.MaintainAsync(name, request, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"{name} takes VMs again", cancellationToken);
        });
    }

    /// <summary>What stands in the way comes first.</summary>
    private static async Task<ExitCode> ForecastAsync(Invocation invocation, string name, bool withStorage, CancellationToken cancellationToken)
    {
        var forecast = await invocation.Client.Hosts.ForecastEvacuationAsync(name, withStorage, cancellationToken);
        if (invocation.Printer.Format != OutputFormat.Table) invocation.Printer.Show(forecast, ApiJson.Default.EvacuationForecast, []);
        else
        {
            invocation.Printer.Rows([.. forecast.Blocked, .. forecast.Moves, .. forecast.Staying], Rows);
            if (forecast.Blocked.Count > 0) invocation.Say($"{forecast.Blocked.Count} guests cannot go: see 'in the way'");
            string end = forecast.PredictedEnd is { } time ? string.Create(CultureInfo.InvariantCulture, $"in about {forecast.Seconds:0} s, at {Times.Absolute(time)}") : "when is not known: no migration has been measured yet";
            invocation.Say($"{forecast.Moves.Count} VMs go, {Sizes.Format(forecast.Bytes)} to send; done {end}");
        }

        return forecast.Blocked.Count == 0 ? ExitCode.Done : ExitCode.Conflict;
    }

    private static Option<bool> WithStorage() => new("--with-storage") { Description = "disks that no other host reaches go along" };

    private static Option<bool> SkipBlocked() => new("--skip-blocked") { Description = "go on though some guests cannot go; they stay" };

    private static Option<bool> DryRun() => new("--dry-run") { Description = "say what would be done, what stands in the way, and until when" };
}
