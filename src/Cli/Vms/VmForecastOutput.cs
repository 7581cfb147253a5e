using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary>What <c>vm create --dry-run</c> prints.</summary>
internal static class VmForecastOutput
{
    private static readonly IReadOnlyList<Column<VmForecast>> Fields =
    [
        new("name", f => f.Name),
        new("lands on", f => f.HostName ?? "no host"),
        new("why", f => f.Why?.Reason ?? $"{f.Refusal?.Message} {f.Refusal?.Remedy}".Trim()),
        new("cpus", f => $"{f.Cpus} x {f.CpuModel}"),
        new("memory", f => f.Hosts.FirstOrDefault(host => host.Host == f.Host) is { } host ? $"{f.MemoryMiB} MiB, of its host {host.NeededMiB} MiB while it runs" : $"{f.MemoryMiB} MiB"),
        new("firmware", f => f.Firmware.ToString().ToLowerInvariant()),
        new("operating system", f => f.OperatingSystem),
        new("disks", f => f.Disks.Count == 0 ? "none" : string.Join('\n', f.Disks.Select(Disk))),
        new("warnings", f => string.Join('\n', f.Warnings)),
    ];

    private static readonly IReadOnlyList<Column<PlacementOpinion>> Hosts =
    [
        new("host", o => o.HostName),
        new("fits", o => o.Fits ? "yes" : "no"),
        new("takes", o => $"{o.NeededMiB} MiB", AlignRight: true),
        new("free", o => $"{o.FreeMiB} MiB", AlignRight: true),
        new("why not", o => string.Join(' ', o.Reasons.Select(reason => reason.Message))),
    ];

    /// <returns>Done: a host can take it.</returns>
    public static ExitCode Print(Invocation invocation, VmForecast forecast)
    {
        invocation.Printer.Show(forecast, ApiJson.Default.VmForecast, Fields);
        if (invocation.Printer.Format == OutputFormat.Table)
        {
            invocation.Printer.Text("");
            invocation.Printer.Rows(forecast.Hosts, Hosts);
        }

        return forecast.Refusal is null ? ExitCode.Done : ExitCode.Conflict;
    }

    private static string Disk(VmForecastDisk disk) =>
        $"{disk.Name}: at most {Sizes.Format(disk.SizeBytes)} in pool {disk.PoolName}{(disk.PoolFreeBytes is { } free ? $", where {Sizes.Format(free)} are free" : "")}";
}
