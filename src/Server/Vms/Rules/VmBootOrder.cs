using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Engine;

namespace Lamina.Server.Vms.Rules;

/// <summary>The boot order as people write it (<c>disk0</c>, <c>cd0</c>, <c>nic0</c>) and as devices bear it (pure).</summary>
internal static class VmBootOrder
{
    private const int First = 10;

    public static IReadOnlyList<string> Of(VmSpec spec) => Sorted(
        spec.Disks.Select(disk => ($"disk{disk.Slot}", disk.BootIndex))
            .Concat(spec.Cdroms.Select(cdrom => ($"cd{cdrom.Slot}", cdrom.BootIndex)))
            .Concat(spec.Nics.Select(nic => ($"nic{nic.Slot}", nic.BootIndex))));

    public static IReadOnlyList<string> Of(VmDefinition running) => Sorted(
        running.Disks.Select(disk => ($"disk{disk.Slot}", disk.BootIndex))
            .Concat(running.Cdroms.Select(cdrom => ($"cd{cdrom.Slot}", cdrom.BootIndex)))
            .Concat(running.Nics.Select(nic => ($"nic{nic.Slot}", nic.BootIndex))));

    /// <summary>The spec with its devices in this order, those not named not booted from; null is the usual one.</summary>
    public static VmSpec Apply(VmSpec spec, IReadOnlyList<string>? order, InputProblems problems)
    {
        if (order is not null && order.SequenceEqual(Of(spec))) return spec;
        Check(spec, order ?? [], problems);
        int? IndexOf(string device, int? usual)
        {
            if (order is null) return usual;
            for (int place = 0; place < order.Count; place++)
                if (order[place] == device) return First + place;
            return null;
        }

        return spec with
        {
            Disks = [.. spec.Disks.Select(disk => disk with { BootIndex = IndexOf($"disk{disk.Slot}", VmMediaRules.FirstDiskBootIndex + disk.Slot) })],
            Cdroms = [.. spec.Cdroms.Select(cdrom => cdrom with { BootIndex = IndexOf($"cd{cdrom.Slot}", VmMediaRules.FirstCdromBootIndex + cdrom.Slot) })],
            Nics = [.. spec.Nics.Select(nic => nic with { BootIndex = IndexOf($"nic{nic.Slot}", null) })],
        };
    }

    /// <summary>The place of a device that is added; null when another one has it.</summary>
    public static int? FreePlace(VmSpec spec, int usual) =>
        spec.Disks.Any(disk => disk.BootIndex == usual) || spec.Cdroms.Any(cdrom => cdrom.BootIndex == usual) || spec.Nics.Any(nic => nic.BootIndex == usual) ? null : usual;

    private static void Check(VmSpec spec, IReadOnlyList<string> order, InputProblems problems)
    {
        var known = spec.Disks.Select(disk => $"disk{disk.Slot}").Concat(spec.Cdroms.Select(cdrom => $"cd{cdrom.Slot}")).Concat(spec.Nics.Select(nic => $"nic{nic.Slot}")).ToList();
        for (int place = 0; place < order.Count; place++)
        {
            string path = $"$.boot[{place}]";
            if (!known.Contains(order[place])) problems.Add(path, "vm.bootDevice", $"VM '{spec.Name}' has no '{Suggestions.Shorten(order[place])}' to boot from; it has {string.Join(", ", known)}.");
            else if (order.Take(place).Contains(order[place])) problems.Add(path, "vm.bootTwice", $"'{order[place]}' stands in the order already.");
        }
    }

    private static List<string> Sorted(IEnumerable<(string Device, int? Index)> devices) =>
        [.. devices.Where(device => device.Index is not null).OrderBy(device => device.Index).Select(device => device.Device)];
}
