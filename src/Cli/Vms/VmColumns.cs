using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary>What of a VM is shown in a list, and what when it is looked at alone.</summary>
internal static class VmColumns
{
    public static IReadOnlyList<Column<Vm>> List(ObjectNames names) =>
    [
        new("name", vm => vm.Name),
        new("state", State),
        new("address", vm => Addresses(vm, ", ")),
        new("cpus", vm => vm.Spec.Cpus.ToString(), AlignRight: true),
        new("memory", vm => Sizes.Format((long)vm.Spec.MemoryMiB << 20), AlignRight: true),
        new("host", vm => vm.Assignment is { } a ? names.Of(a.Host) : null),
        new("tags", vm => string.Join(",", vm.Spec.Tags)),
    ];

    public static IReadOnlyList<Column<Vm>> Show(ObjectNames names) =>
    [
        new("name", vm => vm.Name),
        new("id", vm => vm.Id),
        new("project", vm => vm.Project),
        new("state", State),
        new("failure", vm => vm.Status?.Failure is { } f ? f.Message + (f.Remedy is null ? "" : $"\n→ {f.Remedy}") : null),
        new("started", vm => vm.Status?.StartedAt is { } t ? Times.Absolute(t) : null),
        new("runs by", vm => vm.Status?.Accelerator is { } a ? $"{a.Kind.ToString().ToUpperInvariant()}: {a.Reason}" : null),
        new("addresses", vm => Addresses(vm, "\n")),
        new("cpus", vm => $"{vm.Spec.Cpus} (up to {vm.Spec.Machine.MaxCpus})"),
        new("memory", vm => Sizes.Format((long)vm.Spec.MemoryMiB << 20) + (vm.Spec.Machine.MaxMemoryMiB is { } most ? $" (up to {Sizes.Format((long)most << 20)})" : "")),
        new("balloon", vm => vm.Spec.BalloonMiB is { } left ? $"leaves {Sizes.Format((long)left << 20)}, set by hand" : vm.Spec.MemoryMinMiB is { } least ? $"leaves at least {Sizes.Format((long)least << 20)}" : null),
        new("merged", vm => vm.Spec.MergeMemory ? "its memory may be merged with that of others (KSM)" : null),
        new("os", vm => vm.Spec.OperatingSystem),
        new("machine", vm => $"{vm.Spec.Machine.Type}, {vm.Spec.Machine.CpuModel}, {Firmware(vm.Spec)}"),
        new("floppy", vm => vm.Spec.Floppy is { } f ? names.Of(f) : null),
        new("kernel", vm => vm.Spec.Kernel is { } k ? $"{names.Of(k.Kernel)} {(k.Initrd is null ? "" : names.Of(k.Initrd))} {k.CommandLine}" : null),
        new("disks", vm => string.Join("\n", vm.Spec.Disks.Select(d => $"{d.Slot}: {names.Of(d.Disk)} ({d.Bus.ToString().ToLowerInvariant()}{Limits(d.Limits)})"))),
        new("cd-roms", vm => string.Join("\n", vm.Spec.Cdroms.Select(c => $"{c.Slot}: {(c.Iso is null ? "empty" : names.Of(c.Iso))}"))),
        new("nics", vm => string.Join("\n", vm.Spec.Nics.Select(n => $"{n.Slot}: {(n.Network is null ? "user-mode" : names.Of(n.Network))}, {n.Mac} {n.Address}{(n.Link == NicLink.Down ? " (cable drawn)" : "")}"))),
        new("guest", vm => vm.Status?.Agent is { Connected: true } a ? $"{a.OperatingSystem}{(string.IsNullOrEmpty(a.Hostname) ? "" : $" ({a.Hostname})")}" : null),
        new("clock", vm => vm.Spec.Clock == VmClock.LocalTime ? "local time" : null),
        new("watchdog", vm => vm.Spec.Watchdog is { } w ? $"{Words(w.ToString())} when it is not fed" : null),
        new("restart", vm => Words(vm.Spec.Restart.ToString())),
        new("autostart", vm => vm.Spec.Autostart is { Enabled: true } a ? $"order {a.Order}" : null),
        new("pending", vm => string.Join("\n", (vm.Status?.Pending ?? []).Select(change => $"{change.Path}: {change.Reason}"))),
        new("boot", vm => Boot(vm.Spec)),
        new("protected", vm => vm.Spec.Protected ? "from deletion" : null),
        new("host", vm => vm.Assignment is { } a ? $"{names.Of(a.Host)} (epoch {a.Epoch}, run {vm.Status?.Run})" : null),
        new("why there", vm => vm.Assignment?.Why?.Reason),
        new("tags", vm => string.Join(",", vm.Spec.Tags)),
        new("notes", vm => vm.Spec.Notes),
        new("created", vm => Times.Absolute(vm.Spec.CreatedAt)),
    ];

    /// <summary>The state in a word or two: <c>running</c>, <c>paused (pool full)</c>, <c>stopped (crash)</c>.</summary>
    private static string State(Vm vm)
    {
        if (vm.Spec.Deleting is not null) return "deleting";
        if (vm.Spec.Template) return "template";
        if (vm.Status is not { } status) return "creating";
        var cause = status.State switch
        {
            VmState.Paused when status.PauseCause is { } c and not PauseCause.Request => Words(c.ToString()),
            VmState.Stopped when status.StopCause is { } c and not StopCause.Request => Words(c.ToString()),
            _ => null,
        };
        var state = status.State.ToString().ToLowerInvariant();
        return cause is null ? state : $"{state} ({cause})";
    }

    private static string Firmware(VmSpec spec) => string.Join(", ", new[]
    {
        spec.Firmware.ToString().ToLowerInvariant(), spec.SecureBoot ? "secure boot" : null, spec.Tpm is null ? null : "tpm 2.0", spec.BootMenu ? "boot menu" : null,
        spec.Machine.HyperV.Count > 0 ? "hyper-v interfaces under KVM" : null,
    }.OfType<string>());

    private static string Words(string camelCase) => string.Concat(camelCase.Select((c, i) => i > 0 && char.IsUpper(c) ? " " + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));

    private static string Boot(VmSpec spec) => string.Join(", ", spec.Disks.Select(disk => ($"disk{disk.Slot}", disk.BootIndex))
        .Concat(spec.Cdroms.Select(cdrom => ($"cd{cdrom.Slot}", cdrom.BootIndex))).Concat(spec.Nics.Select(nic => ($"nic{nic.Slot}", nic.BootIndex)))
        .Where(device => device.BootIndex is not null).OrderBy(device => device.BootIndex).Select(device => device.Item1));

    private static string Limits(DiskLimits? limits) => limits is null ? "" : ", at most " + string.Join(", ", new[]
    {
        Limit(limits.Iops, "requests/s"), Limit(limits.IopsRead, "reads/s"), Limit(limits.IopsWrite, "writes/s"),
        Limit(limits.BytesPerSecond, "bytes/s"), Limit(limits.BytesPerSecondRead, "bytes/s read"), Limit(limits.BytesPerSecondWrite, "bytes/s written"),
    }.OfType<string>());

    private static string? Limit(long? value, string unit) => value is { } most ? $"{most} {unit}" : null;

    /// <summary>What the guest reports; before it reports, what it was given.</summary>
    private static string Addresses(Vm vm, string separator)
    {
        if (vm.Status?.State != VmState.Running) return "";
        var reported = vm.Status.Addresses;
        return string.Join(separator, reported.Count > 0 ? reported : vm.Spec.Nics.Select(n => n.Address).OfType<string>());
    }
}
