using System.CommandLine;
using System.Globalization;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary><c>vm mobility</c></summary>
internal static class VmMobilityCommand
{
    private static readonly IReadOnlyList<Column<VmMobility>> Columns =
    [
        new("host", m => m.HostName),
        new("can go", m => m.IsHere ? "is here" : m.CanGo ? "yes" : m.CanGoWithStorage ? "with storage" : "no"),
        new("how", m => m.IsHere ? null : m.Live ? "live" : "at rest"),
        new("takes", m => m.Seconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(seconds):0} s") : m.CanGo || m.CanGoWithStorage ? "unknown" : null, AlignRight: true),
        new("does not survive", m => string.Join(", ", m.Loses)),
        new("why not", m => string.Join(' ', m.Reasons.Select(reason => $"{reason.Message} {reason.Remedy}".Trim()))),
    ];

    public static Command Build()
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb("mobility", "where it can go, why not elsewhere, and how long it would take", [vm], async (invocation, cancellationToken) =>
            invocation.Printer.List(await invocation.Client.Vms.GetMobilityAsync(invocation.Value(vm), cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.VmMobility, Columns));
    }
}
