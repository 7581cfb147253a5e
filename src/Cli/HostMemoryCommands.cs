using System.CommandLine;
using System.Globalization;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Cli.Metrics;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>host show</c>, <c>host set</c>, <c>host metrics</c></summary>
internal static class HostMemoryCommands
{
    /// <param name="fields">What is shown of the host's records.</param>
    public static Command Show(IReadOnlyList<Column<Host>> fields)
    {
        var host = HostArgument.Create();
        return CommandBuilder.Verb("show", "everything about one, and what its memory does now", [host], async (invocation, cancellationToken) =>
        {
            var shown = (await invocation.Client.Hosts.GetAsync(await HostArgument.NameAsync(invocation, host, cancellationToken), cancellationToken)).Value;
            var memory = invocation.Printer.Format == OutputFormat.Table ? await ReadAsync(invocation, shown.Name, cancellationToken) : null;
            invocation.Printer.Show(shown, ApiJson.Default.Host, [.. fields, .. Memory(memory)]);
        });
    }

    public static Command Set()
    {
        var host = HostArgument.Create();
        var overcommit = new Option<double?>("--memory-overcommit") { Description = "how much may be promised to running VMs, as a multiple of the memory: 1.5", HelpName = "ratio" };
        var balloon = new Option<string?>("--balloon") { Description = "take memory from guests that have it to spare when it is short: on or off", HelpName = "on|off" };
        balloon.AcceptOnlyFromAmong("on", "off");
        var ksm = new Option<KsmMode?>("--ksm") { Description = "merge identical pages of VMs made with --merge-memory: leave, off, auto or on", HelpName = "leave|off|auto|on" };
        return CommandBuilder.Verb("set", "change how it uses its memory", [host, overcommit, balloon, ksm], async (invocation, cancellationToken) =>
        {
            var memory = new HostMemoryPolicyUpdate
            {
                OvercommitPercent = invocation.Value(overcommit) is { } ratio ? (int)Math.Round(100 * ratio) : null,
                Balloon = invocation.Value(balloon) is { } word ? word == "on" : null,
                Ksm = invocation.Value(ksm),
            };
            if (memory == new HostMemoryPolicyUpdate()) throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina host set --help");
            var changed = await invocation.Client.Hosts.UpdateAsync(await HostArgument.NameAsync(invocation, host, cancellationToken), new HostUpdate { Memory = memory }, ifMatch: null, cancellationToken);
            invocation.Say($"{changed.Name} is changed");
        });
    }

    public static Command Metrics()
    {
        var host = HostArgument.Create();
        var options = new HistoryOptions();
        return CommandBuilder.Verb("metrics", "what it did until now", [host, .. options.All], async (invocation, cancellationToken) =>
            HistoryView.Print(invocation.Printer, await invocation.Client.Hosts.GetMetricsAsync(await HostArgument.NameAsync(invocation, host, cancellationToken), options.Range(invocation), cancellationToken), options.Only(invocation)));
    }

    /// <summary>A daemon that has just started has read nothing yet; the rest is shown without it.</summary>
    private static async Task<HostMemoryReport?> ReadAsync(Invocation invocation, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await invocation.Client.Hosts.GetMemoryAsync(name, cancellationToken);
        }
        catch (LaminaException refusal) when (refusal.Problem.Code == "metrics.notYet")
        {
            return null;
        }
    }

    private static IEnumerable<Column<Host>> Memory(HostMemoryReport? memory)
    {
        if (memory is null) return [];
        string Size(long bytes) => Sizes.Format(bytes);
        string promised = string.Create(CultureInfo.InvariantCulture, $"{Size(memory.PromisedBytes)} to running VMs, of {Size(memory.CapacityBytes)} that may be ({100.0 * memory.PromisedBytes / memory.TotalBytes:0} % of the memory)");
        string waiting = memory.PressurePercent is { } some ? string.Create(CultureInfo.InvariantCulture, $"some tasks waited for memory in {some:0.0} % of the last 10 s, all in {memory.PressureFullPercent ?? 0:0.0} %") : "";
        return
        [
            new("promised", _ => promised),
            new("available", _ => $"{Size(memory.AvailableBytes)} of {Size(memory.TotalBytes)}"),
            new("guests", _ => $"{Size(memory.GuestBytes)}: {Size(memory.GuestResidentBytes)} resident, {Size(memory.BalloonBytes)} in balloons, {Size(memory.UntouchedBytes)} untouched or given back"),
            new("qemu", _ => $"{Size(memory.OverheadBytes)} beside the guests"),
            new("balloons", _ => $"{memory.Balloon.ToString().ToLowerInvariant()}: {memory.Reason}"),
            new("merged", _ => memory.KsmRuns || memory.KsmSavedBytes > 0 ? $"{Size(memory.KsmSavedBytes)} saved, {(memory.KsmRuns ? "running" : "stopped")}" : null),
            new("swap", _ => $"{Size(memory.SwapUsedBytes)} used, {Figures.BytesPerSecond(memory.SwapInBytesPerSecond) ?? "-"} in, {Figures.BytesPerSecond(memory.SwapOutBytesPerSecond) ?? "-"} out"),
            new("pressure", _ => waiting),
        ];
    }
}
