using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Metrics;

/// <summary>By what the table of <c>vm top</c> is sorted.</summary>
internal enum TopOrder
{
    Cpu,
    Memory,
    Disk,
    Net,
    Name,
}

/// <summary>The table of <c>vm top</c> (pure).</summary>
internal static class TopView
{
    public static readonly IReadOnlyList<Column<VmFigures>> Columns =
    [
        new("vm", vm => vm.Name),
        new("cpu %", vm => Figures.Percent(vm.CpuPercent), AlignRight: true),
        new("wait %", vm => Figures.Percent(vm.VcpuWaitPercent), AlignRight: true),
        new("memory", vm => Figures.Bytes(vm.MemoryBytes), AlignRight: true),
        new("resident", vm => Figures.Bytes(vm.GuestResidentBytes), AlignRight: true),
        new("balloon", vm => Figures.Bytes(vm.BalloonBytes), AlignRight: true),
        new("guest free", vm => Figures.Bytes(vm.GuestAvailableBytes), AlignRight: true),
        new("disk r", vm => Figures.BytesPerSecond(vm.DiskReadBytesPerSecond), AlignRight: true),
        new("disk w", vm => Figures.BytesPerSecond(vm.DiskWriteBytesPerSecond), AlignRight: true),
        new("net in", vm => Figures.BytesPerSecond(vm.NetReceiveBytesPerSecond), AlignRight: true),
        new("net out", vm => Figures.BytesPerSecond(vm.NetSendBytesPerSecond), AlignRight: true),
    ];

    /// <summary>Greatest first; those that are equal by name.</summary>
    public static IReadOnlyList<VmFigures> Sort(IEnumerable<VmFigures> vms, TopOrder order) =>
        [.. vms.OrderByDescending(vm => Weight(vm, order)).ThenBy(vm => vm.Name, StringComparer.Ordinal)];

    /// <summary>Two lines on the host.</summary>
    public static string Heading(HostFigures? host, int vms)
    {
        if (host is null) return "The first figures come in some seconds.\n\n";
        string pressure = $"pressure cpu {Figures.Percent(host.PressureCpuPercent) ?? "-"} io {Figures.Percent(host.PressureIoPercent) ?? "-"} memory {Figures.Percent(host.PressureMemoryPercent) ?? "-"}";
        return $"{host.Name}: {vms} VMs, cpu {Figures.Percent(host.CpuPercent)} % of {host.Cores} cores, load {host.Load1:0.00}, {pressure}\n"
            + $"memory {Figures.Bytes(host.MemoryAvailableBytes)} of {Figures.Bytes(host.MemoryBytes)} available, swap {Figures.Bytes(host.SwapUsedBytes)}, "
            + $"disks {Figures.BytesPerSecond(host.DiskReadBytesPerSecond)} in {Figures.BytesPerSecond(host.DiskWriteBytesPerSecond)} out\n\n";
    }

    private static double Weight(VmFigures vm, TopOrder order) => order switch
    {
        TopOrder.Cpu => vm.CpuPercent ?? 0,
        TopOrder.Memory => vm.GuestResidentBytes ?? vm.CgroupBytes ?? 0,
        TopOrder.Disk => (vm.DiskReadBytesPerSecond ?? 0) + (vm.DiskWriteBytesPerSecond ?? 0),
        TopOrder.Net => (vm.NetReceiveBytesPerSecond ?? 0) + (vm.NetSendBytesPerSecond ?? 0),
        _ => 0,
    };
}
