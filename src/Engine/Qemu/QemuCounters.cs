using System.Text.Json;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>Asks one QEMU for what it counts.</summary>
internal sealed class QemuCounters(QemuMonitor monitor)
{
    private const string BalloonPath = "/machine/peripheral/balloon0";
    private const string PeripheralPrefix = "/machine/peripheral/";

    private static readonly QueryStatsArguments Exits =
        new() { Target = "vcpu", Providers = [new StatsRequest { Provider = "kvm", Names = ["exits"] }] };

    private long _pollSeconds;

    public async Task<VmCounters> QueryAsync(VmDefinition definition, TimeSpan guestInterval, CancellationToken cancellationToken)
    {
        var disks = await monitor.ExecuteAsync(QmpCommands.QueryBlockStats, new QueryBlockStatsArguments(), cancellationToken);
        var counters = new VmCounters { Disks = [.. disks.Select(DiskOf).OfType<VmDiskCounters>()] };
        if (definition.Accelerator == Accelerator.Kvm) counters = counters with { Exits = await ExitsAsync(cancellationToken) };
        if (!definition.Balloon.Enabled) return counters;
        await PollAsync((long)guestInterval.TotalSeconds, cancellationToken);
        var guest = await monitor.ExecuteAsync(QmpCommands.GetGuestStats, new QomGetArguments { Path = BalloonPath, Property = "guest-stats" }, cancellationToken);
        return counters with { Guest = GuestOf(guest), BalloonBytes = await BalloonAsync(cancellationToken) };
    }

    /// <summary>Null = no disk: a CD drive, or a device without an id.</summary>
    internal static VmDiskCounters? DiskOf(BlockStats device)
    {
        string name = device.Qdev ?? "";
        if (name.StartsWith(PeripheralPrefix, StringComparison.Ordinal)) name = name[PeripheralPrefix.Length..].Split('/')[0];
        if (!name.StartsWith("disk", StringComparison.Ordinal)) return null;
        var stats = device.Stats;
        return new VmDiskCounters
        {
            Device = name,
            Reads = stats.Reads,
            ReadBytes = stats.ReadBytes,
            ReadTime = TimeSpan.FromTicks(stats.ReadNanoseconds / TimeSpan.NanosecondsPerTick),
            Writes = stats.Writes,
            WriteBytes = stats.WriteBytes,
            WriteTime = TimeSpan.FromTicks(stats.WriteNanoseconds / TimeSpan.NanosecondsPerTick),
            Flushes = stats.Flushes,
        };
    }

    internal static GuestMemory? GuestOf(BalloonGuestStats told)
    {
        if (told.LastUpdate == 0) return null;
        long? Of(string name) => told.Stats.TryGetValue(name, out ulong value) && value <= long.MaxValue ? (long)value : null;
        return new GuestMemory
        {
            At = DateTimeOffset.FromUnixTimeSeconds(told.LastUpdate),
            TotalBytes = Of("stat-total-memory"),
            AvailableBytes = Of("stat-available-memory"),
            FreeBytes = Of("stat-free-memory"),
            CacheBytes = Of("stat-disk-caches"),
            SwappedInBytes = Of("stat-swap-in"),
            SwappedOutBytes = Of("stat-swap-out"),
            MajorFaults = Of("stat-major-faults"),
        };
    }

    /// <summary>Null = this QEMU's KVM counts none.</summary>
    internal static long? SumOf(IReadOnlyList<StatsResult> cpus)
    {
        long[] counts = [.. cpus.SelectMany(cpu => cpu.Stats).Where(stat => stat is { Name: "exits", Value.ValueKind: JsonValueKind.Number }).Select(stat => stat.Value.GetInt64())];
        return counts.Length > 0 ? counts.Sum() : null;
    }

    private async Task PollAsync(long seconds, CancellationToken cancellationToken)
    {
        if (_pollSeconds == seconds) return;
        await monitor.ExecuteAsync(
            QmpCommands.SetNumber, new QomSetArguments { Path = BalloonPath, Property = "guest-stats-polling-interval", Value = seconds }, cancellationToken);
        _pollSeconds = seconds;
    }

    /// <summary>Null = the guest has no driver for it yet, which QEMU calls an error.</summary>
    private async Task<long?> BalloonAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await monitor.ExecuteAsync(QmpCommands.QueryBalloon, QmpNothing.Instance, cancellationToken)).Actual;
        }
        catch (QmpErrorException)
        {
            return null;
        }
    }

    /// <summary>QEMU before 7.1 knows no such question, and the KVM of an older kernel no such counts.</summary>
    private async Task<long?> ExitsAsync(CancellationToken cancellationToken)
    {
        try
        {
            return SumOf(await monitor.ExecuteAsync(QmpCommands.QueryStats, Exits, cancellationToken));
        }
        catch (QmpErrorException)
        {
            return null;
        }
    }
}
