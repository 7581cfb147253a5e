using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina host …</c>, <c>lamina pool …</c>, <c>lamina network …</c>, <c>lamina disk …</c>: what VMs stand on.</summary>
internal static class HostCommands
{
    private static readonly IReadOnlyList<Column<Host>> Columns =
    [
        new("name", h => h.Name),
        new("state", State),
        new("roles", h => h.Roles.Count == 0 ? null : string.Join(", ", h.Roles)),
        new("cpu", h => h.Status?.CpuModel),
        new("cores", h => h.Status?.Cores.ToString(), AlignRight: true),
        new("memory", h => h.Status is { } s ? Sizes.Format(s.MemoryMiB << 20) : null, AlignRight: true),
        new("promised", h => h.Fitness is { PromisedMiB: { } promised, CapacityMiB: { } capacity } ? $"{Sizes.Format(promised << 20)} of {Sizes.Format(capacity << 20)}" : null, AlignRight: true),
        new("load", h => h.Load is { } load ? $"{load.CpuPercent:0} %" : null, AlignRight: true),
        new("clock", h => h.Clock is { } clock ? $"{Math.Abs(clock.AheadMs) / 1000.0:0.#} s {(clock.AheadMs > 0 ? "ahead" : "behind")}" : null),
        new("guests run by", h => h.Status?.Accelerator is { } a ? $"{a.Kind.ToString().ToUpperInvariant()}: {a.Reason}" : null),
        new("qemu", h => h.Status?.QemuVersion),
        new("daemon", h => h.Status?.DaemonVersion),
        new("takes VMs", h => h.Fitness is not { } fitness ? null : fitness.TakesVms ? "yes" : $"no: {string.Join(", ", fitness.Reasons.Select(reason => reason.Code.Split('.')[^1]))}"),
    ];

    private static readonly IReadOnlyList<Column<Host>> Fields =
    [
        .. Columns,
        new("id", h => h.Id),
        new("why not", h => h.Fitness is { Reasons.Count: > 0 } fitness ? string.Join('\n', fitness.Reasons.Select(reason => $"{reason.Message} {reason.Remedy}".Trim())) : null),
        new("to know", h => h.Fitness is { Notes.Count: > 0 } fitness ? string.Join('\n', fitness.Notes) : null),
        new("unreachable since", h => h.UnreachableSince is { } since ? Times.Absolute(since) : null),
        new("used", h => h.Load is { } load ? $"CPU {load.CpuPercent:0} %, memory {Sizes.Format(load.MemoryUsedBytes)} of {Sizes.Format(load.MemoryBytes)} used" : null),
        new("kernel", h => h.Status?.KernelVersion),
        new("new VMs get", h => h.Status is { } s ? $"{s.DefaultMachineType}, {s.DefaultCpuModel}" : null),
        new("maintenance", h => h.Spec.Maintenance is { } m ? $"since {Times.Absolute(m.Since)}{(m.Reason is { } reason ? $": {reason}" : "")}" : null),
        new("failure", h => h.Status?.Failure?.Message),
        new("policy", h => $"overcommit {h.Spec.Memory.OvercommitPercent / 100.0:0.0#}, balloons {(h.Spec.Memory.Balloon ? "on" : "off")}, merging of pages {h.Spec.Memory.Ksm.ToString().ToLowerInvariant()}"),
    ];

    private static string State(Host host) =>
        host.LiveSince is null ? "unreachable" : host.Spec.Maintenance is null ? "live" : "maintenance";

    public static Command Build() => CommandBuilder.Noun(
        "host",
        "physical servers",
        CommandBuilder.Verb("list", "the servers", [], async (invocation, cancellationToken) =>
            invocation.Printer.List(await invocation.Client.Hosts.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Host, Columns)),
        HostMemoryCommands.Show(Fields),
        HostMemoryCommands.Set(),
        HostMemoryCommands.Metrics(),
        HostMaintenanceCommands.Maintenance(),
        HostMaintenanceCommands.Evacuate(),
        HostMaintenanceCommands.Power("reboot", HostPowerAction.Reboot),
        HostMaintenanceCommands.Power("shutdown", HostPowerAction.Shutdown),
        Remove());

    private static Command Remove()
    {
        var host = new Argument<string>("host") { Description = "its name or id" };
        var dead = new Option<bool>("--dead") { Description = "it is off and will never come back: you vouch for it" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("remove", "take a host out of the cluster, for good", [host, dead, yes], async (invocation, cancellationToken) =>
        {
            var name = invocation.Value(host);
            Terminal.Confirm(invocation.Value(dead) ? $"Do you vouch that {name} is off and will never come back?" : $"Take {name} out of the cluster?", invocation.Value(yes));
            await invocation.Client.Hosts.RemoveAsync(name, invocation.Value(dead), cancellationToken);
            invocation.Say($"{name} is no member of the cluster any more");
        });
    }
}
