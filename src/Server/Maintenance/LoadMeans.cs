using System.Collections.Immutable;
using Lamina.Api;

namespace Lamina.Server.Maintenance;

/// <summary>A host's figures, evened out over some minutes (pure).</summary>
internal static class LoadMeans
{
    /// <summary>What lies further back than this counts little.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    /// <summary>A record holds at most 64 KiB; the rest of the VMs does next to nothing.</summary>
    private const int MostVms = 300;

    private const double NotablePercent = 10;
    private const double NotableVmPercent = 25;
    private const long NotableVmBytes = 128L << 20;

    /// <param name="before">What was last; null: this is the first.</param>
    /// <param name="host">Read now.</param>
    /// <param name="vms">Read now.</param>
    public static HostLoad Next(HostLoad? before, HostFigures host, IReadOnlyList<VmFigures> vms)
    {
        double elapsed = before is null ? 0 : Math.Max((host.At - before.At).TotalSeconds, 0);
        int seconds = (int)Math.Min((before?.Seconds ?? 0) + elapsed, Window.TotalSeconds);
        // At first all that was seen counts alike.
        double weight = before is null || seconds == 0 ? 1 : Math.Min(1, elapsed / seconds);
        double Mean(double? then, double? now) => then is { } known ? known + (((now ?? known) - known) * weight) : now ?? 0;
        return new HostLoad
        {
            At = host.At,
            Seconds = seconds,
            CpuPercent = Mean(before?.CpuPercent, host.CpuPercent),
            MemoryBytes = host.MemoryBytes ?? 0,
            MemoryUsedBytes = Math.Max((host.MemoryBytes ?? 0) - (host.MemoryAvailableBytes ?? 0), 0),
            PressureCpuPercent = host.PressureCpuPercent is null ? null : Mean(before?.PressureCpuPercent, host.PressureCpuPercent),
            PressureMemoryPercent = host.PressureMemoryPercent is null ? null : Mean(before?.PressureMemoryPercent, host.PressureMemoryPercent),
            Vms = vms.OrderByDescending(vm => vm.CpuPercent ?? 0).Take(MostVms).ToImmutableDictionary(
                vm => vm.Id,
                vm => new VmLoad { CpuPercent = Math.Round(Mean(before?.Vms.GetValueOrDefault(vm.Id)?.CpuPercent, vm.CpuPercent), 1), ResidentBytes = vm.GuestResidentBytes ?? 0 }),
        };
    }

    /// <summary>Whether it is worth a write: an idle host writes nothing.</summary>
    public static bool IsNotable(HostLoad? written, HostLoad now)
    {
        if (written is null) return true;
        if ((now.Seconds >= (int)Window.TotalSeconds) != (written.Seconds >= (int)Window.TotalSeconds)) return true;
        bool Differs(double? one, double? other) => Math.Abs((one ?? 0) - (other ?? 0)) >= NotablePercent;
        if (Differs(written.CpuPercent, now.CpuPercent) || Differs(written.PressureCpuPercent, now.PressureCpuPercent) || Differs(written.PressureMemoryPercent, now.PressureMemoryPercent)) return true;
        if (Differs(Percent(written), Percent(now)) || written.Vms.Count != now.Vms.Count) return true;
        return now.Vms.Any(vm => !written.Vms.TryGetValue(vm.Key, out var then)
            || Math.Abs(then.CpuPercent - vm.Value.CpuPercent) >= NotableVmPercent || Math.Abs(then.ResidentBytes - vm.Value.ResidentBytes) >= NotableVmBytes);
    }

    private static double Percent(HostLoad load) => load.MemoryBytes > 0 ? 100.0 * load.MemoryUsedBytes / load.MemoryBytes : 0;
}
