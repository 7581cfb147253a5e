using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;

namespace Lamina.Server.Metrics.Exposition;

/// <summary>The families of VMs.</summary>
internal static class VmExposition
{
    private static readonly Family[] Families =
    [
        Counter("lamina_vm_cpu_seconds_total", "CPU time of its QEMU, all threads.", vm => vm.Cgroup.CpuTime?.TotalSeconds),
        Counter("lamina_vm_vcpu_seconds_total", "CPU time of its virtual CPUs.", vm => vm.Vcpus?.RunTime.TotalSeconds),
        Counter("lamina_vm_vcpu_wait_seconds_total", "How long its virtual CPUs were ready and had no core.", vm => vm.Vcpus?.WaitTime.TotalSeconds),
        Counter("lamina_vm_cpu_throttled_seconds_total", "How long the limit of its CPU time held it up.", vm => vm.Cgroup.ThrottledTime?.TotalSeconds),
        Gauge("lamina_vm_memory_bytes", "The guest's memory.", vm => vm.MemoryBytes),
        Gauge("lamina_vm_memory_resident_bytes", "Of the guest's memory, what takes up memory of the host.", vm => vm.GuestResidentBytes),
        Gauge("lamina_vm_memory_overhead_bytes", "What QEMU takes up beside the guest's memory.", vm => vm.OverheadBytes),
        Gauge("lamina_vm_memory_cgroup_bytes", "What its cgroup is charged for, page cache included.", vm => vm.Cgroup.MemoryBytes),
        Gauge("lamina_vm_memory_balloon_bytes", "What the balloon took from the guest.", vm => vm.BalloonBytes),
        Gauge("lamina_vm_guest_available_bytes", "What the guest says its programs could still get.", vm => vm.Answer?.Counters.Guest?.AvailableBytes),
        Gauge("lamina_vm_guest_free_bytes", "What the guest says is of no use to anybody.", vm => vm.Answer?.Counters.Guest?.FreeBytes),
        Counter("lamina_vm_guest_swap_in_bytes_total", "What the guest read back from its swap.", vm => vm.Answer?.Counters.Guest?.SwappedInBytes),
        Counter("lamina_vm_guest_swap_out_bytes_total", "What the guest wrote to its swap.", vm => vm.Answer?.Counters.Guest?.SwappedOutBytes),
        Counter("lamina_vm_pressure_cpu_seconds_total", "How long some of its threads waited for a core (cgroup v2).", vm => vm.Cgroup.CpuPressure?.TotalSeconds),
        Counter("lamina_vm_pressure_io_seconds_total", "How long some of its threads waited for a disk (cgroup v2).", vm => vm.Cgroup.IoPressure?.TotalSeconds),
        Counter("lamina_vm_pressure_memory_seconds_total", "How long some of its threads waited for memory (cgroup v2).", vm => vm.Cgroup.MemoryPressure?.TotalSeconds),
        Counter("lamina_vm_exits_total", "Exits of its virtual CPUs (KVM).", vm => vm.Answer?.Counters.Exits),
    ];

    private static readonly PartFamily<VmDiskCounters>[] DiskFamilies =
    [
        new("lamina_vm_disk_read_bytes_total", "Bytes that the guest read.", disk => disk.ReadBytes),
        new("lamina_vm_disk_written_bytes_total", "Bytes that the guest wrote.", disk => disk.WriteBytes),
        new("lamina_vm_disk_reads_total", "Reads of the guest.", disk => disk.Reads),
        new("lamina_vm_disk_writes_total", "Writes of the guest.", disk => disk.Writes),
        new("lamina_vm_disk_flushes_total", "Flushes of the guest.", disk => disk.Flushes),
        new("lamina_vm_disk_read_seconds_total", "How long reads took, those at the same time summed up.", disk => disk.ReadTime.TotalSeconds),
        new("lamina_vm_disk_write_seconds_total", "How long writes took, those at the same time summed up.", disk => disk.WriteTime.TotalSeconds),
    ];

    private static readonly PartFamily<NicReading>[] NicFamilies =
    [
        new("lamina_vm_network_receive_bytes_total", "Bytes that the guest received.", nic => nic.ReceivedBytes),
        new("lamina_vm_network_transmit_bytes_total", "Bytes that the guest sent.", nic => nic.SentBytes),
        new("lamina_vm_network_receive_packets_total", "Packets that the guest received.", nic => nic.ReceivedPackets),
        new("lamina_vm_network_transmit_packets_total", "Packets that the guest sent.", nic => nic.SentPackets),
        new("lamina_vm_network_drops_total", "Packets lost at its card, both ways.", nic => nic.Drops),
    ];

    /// <param name="text">Gets the families.</param>
    /// <param name="view">What was read last.</param>
    /// <param name="snapshot">VMs that do not run have a state too.</param>
    /// <param name="shows">Whether the caller may see a project.</param>
    public static void Write(PrometheusText text, MetricView view, CacheSnapshot snapshot, Func<string, bool> shows)
    {
        var specs = snapshot.All(Keys.Vms.Spec).Where(spec => shows(spec.Record.Project)).ToList();
        text.Gauge("lamina_vm_state", "1 for the state that it is in.");
        foreach (var spec in specs)
        {
            string state = (snapshot.Get(Keys.Vms.Status, spec.Id)?.Record.State ?? VmState.Stopped).ToString().ToLowerInvariant();
            text.Sample("lamina_vm_state", 1, ("vm", spec.Record.Name), ("project", spec.Record.Project), ("state", state));
        }

        var vms = specs.Select(spec => view.Vms.GetValueOrDefault(spec.Id)).OfType<VmReading>().ToList();
        foreach (var family in Families)
        {
            text.Family(family.Name, family.Type, family.Help);
            foreach (var vm in vms) text.Sample(family.Name, family.Read(vm), ("vm", vm.Name), ("project", vm.Project));
        }

        Parts(text, vms, DiskFamilies, "disk", vm => vm.Answer?.Counters.Disks ?? [], disk => disk.Device);
        Parts(text, vms, NicFamilies, "nic", vm => vm.Nics, nic => $"nic{nic.Slot}");
    }

    private static void Parts<T>(
        PrometheusText text, IReadOnlyList<VmReading> vms, IReadOnlyList<PartFamily<T>> families, string label, Func<VmReading, IReadOnlyList<T>> parts, Func<T, string> name)
    {
        foreach (var family in families)
        {
            text.Counter(family.Name, family.Help);
            foreach (var vm in vms)
            {
                foreach (var part in parts(vm)) text.Sample(family.Name, family.Read(part), ("vm", vm.Name), ("project", vm.Project), (label, name(part)));
            }
        }
    }

    private static Family Counter(string name, string help, Func<VmReading, double?> read) => new(name, "counter", help, read);

    private static Family Gauge(string name, string help, Func<VmReading, double?> read) => new(name, "gauge", help, read);

    private sealed record Family(string Name, string Type, string Help, Func<VmReading, double?> Read);

    private sealed record PartFamily<T>(string Name, string Help, Func<T, double> Read);
}
