using System.CommandLine;
using System.Globalization;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina os …</c>: guests' systems, and what a VM of each gets.</summary>
internal static class OperatingSystemCommands
{
    /// <summary>What is older is listed only when all are asked for: few of the old ones have an end on record.</summary>
    private const int RecentYears = 8;

    private static readonly IReadOnlyList<Column<GuestOperatingSystem>> Columns =
    [
        new("id", s => s.Id),
        new("name", s => s.Name),
        new("family", s => s.Family),
        new("released", s => Date(s.Released)),
        new("end of life", s => Date(s.EndOfLife)),
        new("firmware", Firmware),
    ];

    private static readonly IReadOnlyList<Column<GuestOperatingSystem>> Fields =
    [
        new("id", s => s.Id),
        new("also", s => string.Join(", ", s.Aliases)),
        new("name", s => s.Name),
        new("vendor", s => s.Vendor),
        new("version", s => s.Version),
        new("family", s => s.Family),
        new("released", s => Date(s.Released)),
        new("end of life", s => Date(s.EndOfLife)),
        new("minimum", s => Amounts(s.Minimum)),
        new("recommended", s => Amounts(s.Recommended)),
        new("a VM gets", s => $"{Count(s.Advice.Cpus, "CPU")}, {Sizes.Format((long)s.Advice.MemoryMiB << 20)} of memory, a disk of {Sizes.Format(s.Advice.DiskBytes)}"),
        new("firmware", Firmware),
        new("disk", s => s.Advice.DiskBus.ToString().ToLowerInvariant() + (s.Advice.NeedsVirtioMedium ? "; virtio when a CD of virtio drivers is in a drive" : "")),
        new("cd-rom", s => s.Advice.CdromBus.ToString().ToLowerInvariant()),
        new("nic", s => s.Advice.NicModel.ToString().ToLowerInvariant()),
        new("clock", s => s.Advice.Clock == VmClock.LocalTime ? "local time" : "UTC"),
        new("hyper-v", s => s.Advice.HyperV ? "its interfaces are offered under KVM" : null),
    ];

    public static Command Build()
    {
        var id = new Argument<string>("id") { Description = "such as debian12 or win11" };
        var all = new Option<bool>("--all") { Description = "also old ones" };
        return CommandBuilder.Noun(
            "os",
            "operating systems of guests, and what a VM of each gets",
            CommandBuilder.Verb("list", "those that are known", [all], async (invocation, cancellationToken) =>
            {
                var known = await invocation.Client.OperatingSystems.ListAsync(cancellationToken).ToListAsync(cancellationToken);
                var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
                var shown = invocation.Value(all) ? known : [.. known.Where(system => IsRecent(system, today))];
                invocation.Printer.List(shown, ApiJson.Default.GuestOperatingSystem, Columns);
            }),
            CommandBuilder.Verb("show", "everything about one", [id], async (invocation, cancellationToken) =>
                invocation.Printer.Show(await invocation.Client.OperatingSystems.GetAsync(invocation.Value(id), cancellationToken), ApiJson.Default.GuestOperatingSystem, Fields)));
    }

    private static bool IsRecent(GuestOperatingSystem system, DateOnly today) =>
        system.Released >= today.AddYears(-RecentYears) && (system.EndOfLife is null || system.EndOfLife >= today);

    private static string Firmware(GuestOperatingSystem system) => system.Advice switch
    {
        { SecureBoot: true, Tpm: true } => "uefi, secure boot, tpm",
        { SecureBoot: true } => "uefi, secure boot",
        { Firmware: VmFirmware.Uefi } => "uefi",
        _ => "bios",
    };

    private static string? Amounts(OperatingSystemResources? amounts) => amounts is null ? null : string.Join(", ", new[]
    {
        amounts.Cpus is { } cpus ? Count(cpus, "CPU") : null,
        amounts.MemoryMiB is { } memory ? $"{Sizes.Format((long)memory << 20)} of memory" : null,
        amounts.DiskBytes is { } disk ? $"{Sizes.Format(disk)} of disk" : null,
    }.OfType<string>());

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : string.Create(CultureInfo.InvariantCulture, $"{number} {noun}s");

    private static string? Date(DateOnly? date) => date?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
