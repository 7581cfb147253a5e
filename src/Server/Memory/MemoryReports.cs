using System.Globalization;
using Lamina.Api;
using Lamina.Server.Metrics;

namespace Lamina.Server.Memory;

/// <summary>What overcommit costs now (pure).</summary>
internal static class MemoryReports
{
    private const double MiB = 1 << 20;

    /// <param name="view">With a reading of the host.</param>
    /// <param name="policy">Of the host.</param>
    /// <param name="promisedMiB">To running VMs.</param>
    /// <param name="phase">Of the balloons.</param>
    public static HostMemoryReport Of(MetricView view, HostMemoryPolicy policy, int promisedMiB, BalloonPhase phase)
    {
        var memory = view.Host!.Memory;
        var vms = view.Vms.Values.ToList();
        long guests = vms.Sum(vm => vm.MemoryBytes);
        long ballooned = vms.Sum(vm => vm.BalloonBytes ?? 0);
        return new HostMemoryReport
        {
            TotalBytes = memory.TotalBytes,
            AvailableBytes = memory.AvailableBytes,
            CapacityBytes = memory.TotalBytes / 100 * policy.OvercommitPercent,
            PromisedBytes = (long)promisedMiB << 20,
            GuestBytes = guests,
            GuestResidentBytes = vms.Sum(vm => vm.GuestResidentBytes ?? 0),
            BalloonBytes = ballooned,
            UntouchedBytes = vms.Where(vm => vm.GuestResidentBytes is not null).Sum(vm => Math.Max(0, vm.MemoryBytes - (vm.BalloonBytes ?? 0) - vm.GuestResidentBytes!.Value)),
            OverheadBytes = vms.Sum(vm => vm.OverheadBytes ?? 0),
            SwapUsedBytes = memory.SwapTotalBytes - memory.SwapFreeBytes,
            SwapInBytesPerSecond = view.HostFigures?.SwapInBytesPerSecond,
            SwapOutBytesPerSecond = view.HostFigures?.SwapOutBytesPerSecond,
            PressurePercent = view.Host.MemoryPressure?.Some.Avg10Percent,
            PressureFullPercent = view.Host.MemoryPressure?.Full?.Avg10Percent,
            KsmRuns = view.Host.Ksm?.Runs ?? false,
            KsmSavedBytes = view.Host.Ksm?.SavedBytes ?? 0,
            Balloon = policy.Balloon ? phase : BalloonPhase.Off,
            Reason = Reason(policy.Balloon ? phase : BalloonPhase.Off, memory.AvailableBytes, memory.TotalBytes, ballooned),
        };
    }

    private static string Reason(BalloonPhase phase, long available, long total, long ballooned)
    {
        string room = string.Create(CultureInfo.InvariantCulture, $"{available / MiB:0} of {total / MiB:0} MiB are available");
        string taken = string.Create(CultureInfo.InvariantCulture, $"{ballooned / MiB:0} MiB");
        return phase switch
        {
            BalloonPhase.Taking => $"Only {room}: guests that have memory to spare give it; {taken} so far.",
            BalloonPhase.Holding => $"{room}: {taken} stay with the host until there is more.",
            BalloonPhase.GivingBack => $"{room}: guests get the last {taken} back.",
            BalloonPhase.Off => "Balloons are switched off for this host.",
            _ => $"{room}: nothing is taken from guests.",
        };
    }
}
