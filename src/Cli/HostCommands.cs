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
        new("cpu", h => h.Status?.CpuModel),
        new("cores", h => h.Status?.Cores.ToString(), AlignRight: true),
        new("memory", h => h.Status is { } s ? Sizes.Format(s.MemoryMiB << 20) : null, AlignRight: true),
        new("guests run by", h => h.Status?.Accelerator is { } a ? $"{a.Kind.ToString().ToUpperInvariant()}: {a.Reason}" : null),
        new("qemu", h => h.Status?.QemuVersion),
    ];

    private static readonly IReadOnlyList<Column<Host>> Fields =
    [
        .. Columns,
        new("id", h => h.Id),
        new("kernel", h => h.Status?.KernelVersion),
        new("daemon", h => h.Status?.DaemonVersion),
        new("new VMs get", h => h.Status is { } s ? $"{s.DefaultMachineType}, {s.DefaultCpuModel}" : null),
        new("failure", h => h.Status?.Failure?.Message),
    ];

    public static Command Build()
    {
        var host = new Argument<string>("host");
        return CommandBuilder.Noun(
            "host",
            "physical servers",
            CommandBuilder.Verb("list", "the servers", [], async (invocation, cancellationToken) =>
                invocation.Printer.List(await invocation.Client.Hosts.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Host, Columns)),
            CommandBuilder.Verb("show", "everything about one", [host], async (invocation, cancellationToken) =>
                invocation.Printer.Show((await invocation.Client.Hosts.GetAsync(invocation.Value(host), cancellationToken)).Value, ApiJson.Default.Host, Fields)));
    }
}
