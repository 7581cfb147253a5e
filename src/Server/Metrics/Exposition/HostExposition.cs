using Lamina.Linux.Host;

namespace Lamina.Server.Metrics.Exposition;

/// <summary>The families of the host.</summary>
internal static class HostExposition
{
    public static void Write(PrometheusText text, MetricView view)
    {
        if (view.Host is not { } host) return;
        text.Counter("lamina_host_cpu_seconds_total", "Time of all logical processors, by what they did.");
        foreach (var (mode, seconds) in Modes(host.Cpu)) text.Sample("lamina_host_cpu_seconds_total", seconds, ("mode", mode));
        text.Gauge("lamina_host_load1", "Tasks that run or wait for disks, mean of a minute.").Sample("lamina_host_load1", host.Load.One);
        text.Gauge("lamina_host_vms_running", "VMs that have a process.").Sample("lamina_host_vms_running", host.RunningVms);
        Memory(text, host);
        text.Counter("lamina_host_pressure_seconds_total", "How long tasks waited for a resource: some of them, or all.");
        Pressure(text, "cpu", host.CpuPressure);
        Pressure(text, "io", host.IoPressure);
        Pressure(text, "memory", host.MemoryPressure);
        Disks(text, host);
        Nics(text, host);
        Pools(text, host);
    }

    private static IEnumerable<(string Mode, double Seconds)> Modes(CpuTimes cpu) =>
    [
        ("user", cpu.UserSeconds), ("nice", cpu.NiceSeconds), ("system", cpu.SystemSeconds), ("idle", cpu.IdleSeconds),
        ("iowait", cpu.IoWaitSeconds), ("irq", cpu.IrqSeconds), ("steal", cpu.StealSeconds), ("guest", cpu.GuestSeconds),
    ];

    private static void Memory(PrometheusText text, HostReading host)
    {
        var memory = host.Memory;
        void One(string name, string help, double? value) => text.Gauge(name, help).Sample(name, value);
        void Counted(string name, string help, double value) => text.Counter(name, help).Sample(name, value);
        One("lamina_host_memory_bytes", "Memory that the kernel can use.", memory.TotalBytes);
        One("lamina_host_memory_available_bytes", "What new programs can get without swapping.", memory.AvailableBytes);
        One("lamina_host_memory_cached_bytes", "Page cache and buffers.", memory.CachedBytes);
        One("lamina_host_swap_bytes", "Swap space.", memory.SwapTotalBytes);
        One("lamina_host_swap_used_bytes", "Swap space in use.", memory.SwapTotalBytes - memory.SwapFreeBytes);
        One("lamina_host_ksm_saved_bytes", "What pages that are kept once save.", host.Ksm?.SavedBytes);
        Counted("lamina_host_swap_in_bytes_total", "Read back from swap.", memory.SwappedInBytes);
        Counted("lamina_host_swap_out_bytes_total", "Written to swap.", memory.SwappedOutBytes);
        Counted("lamina_host_oom_kills_total", "Processes that the kernel ended for want of memory.", memory.OomKills);
    }

    private static void Pressure(PrometheusText text, string resource, Pressure? pressure)
    {
        text.Sample("lamina_host_pressure_seconds_total", pressure?.Some.Total.TotalSeconds, ("resource", resource), ("waiting", "some"));
        text.Sample("lamina_host_pressure_seconds_total", pressure?.Full?.Total.TotalSeconds, ("resource", resource), ("waiting", "all"));
    }

    private static void Disks(PrometheusText text, HostReading host)
    {
        void Each(string name, string help, Func<DiskCounters, double> read)
        {
            text.Counter(name, help);
            foreach (var disk in host.Disks) text.Sample(name, read(disk), ("device", disk.Device));
        }

        Each("lamina_host_disk_read_bytes_total", "Bytes read.", disk => disk.ReadBytes);
        Each("lamina_host_disk_written_bytes_total", "Bytes written.", disk => disk.WriteBytes);
        Each("lamina_host_disk_reads_total", "Reads.", disk => disk.Reads);
        Each("lamina_host_disk_writes_total", "Writes.", disk => disk.Writes);
        Each("lamina_host_disk_busy_seconds_total", "Time in which a request was under way.", disk => disk.BusyTime.TotalSeconds);
    }

    private static void Nics(PrometheusText text, HostReading host)
    {
        void Each(string name, string help, Func<Linux.Network.LinkStatistics, double> read)
        {
            text.Counter(name, help);
            foreach (var nic in host.Nics) text.Sample(name, read(nic.Statistics), ("device", nic.Name));
        }

        Each("lamina_host_network_receive_bytes_total", "Bytes received.", nic => nic.ReceivedBytes);
        Each("lamina_host_network_transmit_bytes_total", "Bytes sent.", nic => nic.SentBytes);
        Each("lamina_host_network_drops_total", "Packets lost, both ways.", nic => nic.ReceiveDrops + nic.SendDrops);
    }

    private static void Pools(PrometheusText text, HostReading host)
    {
        text.Gauge("lamina_pool_bytes", "Size of the pool's file system.");
        foreach (var pool in host.Pools) text.Sample("lamina_pool_bytes", pool.TotalBytes, ("pool", pool.Name));
        text.Gauge("lamina_pool_free_bytes", "Room in the pool's file system.");
        foreach (var pool in host.Pools) text.Sample("lamina_pool_free_bytes", pool.FreeBytes, ("pool", pool.Name));
    }
}
