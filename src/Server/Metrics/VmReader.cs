using System.Collections.Concurrent;
using Lamina.Engine;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;

namespace Lamina.Server.Metrics;

/// <summary>Reads the kernel's counters of one VM after the other. QEMU is not woken by that, and nothing of it can hang.</summary>
internal sealed class VmReader(CgroupManager cgroups, TimeProvider time)
{
    /// <summary>With <c>debug-threads=on</c> QEMU names them so: <c>CPU 0/KVM</c>, <c>CPU 1/TCG</c>.</summary>
    private const string VcpuThread = "CPU ";
    private const string EngineName = "qemu";

    /// <summary>Virtual CPUs come while a guest runs, without telling.</summary>
    private const int ReadingsBetweenSearches = 6;

    private readonly ConcurrentDictionary<string, Found> _found = new(StringComparer.Ordinal);

    public VmReading Read(IVm vm, string name, string project, IReadOnlyDictionary<string, Link> links, VmAnswer? answer)
    {
        var definition = vm.Definition;
        string id = vm.Id.ToString();
        var found = Find(id, vm.Run);
        var memory = found is null ? null : ProcessMemory.Read(found.ProcessId);
        if (memory is null) _found.TryRemove(id, out _);
        return new VmReading
        {
            Id = id,
            Name = name,
            Project = project,
            Run = vm.Run,
            At = time.GetUtcNow(),
            Timestamp = time.GetTimestamp(),
            MemoryBytes = (long)definition.MemoryMiB << 20,
            IsMemoryShared = !definition.MergeMemory,
            Cgroup = cgroups.ReadUsage(id),
            Process = memory,
            Vcpus = found is null ? null : TimesOf(found),
            Nics = [.. definition.Nics.Where(nic => nic.TapName is not null && links.ContainsKey(nic.TapName)).Select(nic => ReadingOf(nic.Slot, links[nic.TapName!].Statistics))],
            Answer = answer,
        };
    }

    /// <summary>Forgets those that have ended.</summary>
    public void KeepOnly(IReadOnlySet<string> running)
    {
        foreach (string id in _found.Keys.Where(id => !running.Contains(id))) _found.TryRemove(id, out _);
    }

    private Found? Find(string id, long run)
    {
        if (_found.TryGetValue(id, out var known) && known.Run == run && known.Left > 0) return _found[id] = known with { Left = known.Left - 1 };
        int process = known?.Run == run ? known.ProcessId : cgroups.ReadMembers(id).FirstOrDefault(IsEngine);
        if (process == 0) return null;
        return _found[id] = new Found(run, process, ThreadTimes.Find(process, VcpuThread), ReadingsBetweenSearches);
    }

    /// <summary>A TPM lives in the same cgroup.</summary>
    private static bool IsEngine(int processId) => ThreadTimes.Find(processId, EngineName).Contains(processId);

    private static ThreadTimes? TimesOf(Found found)
    {
        var times = found.Vcpus.Select(thread => ThreadTimes.Read(found.ProcessId, thread)).ToList();
        if (times.Count == 0 || times.Contains(null)) return null;
        return new(TimeSpan.FromTicks(times.Sum(thread => thread!.RunTime.Ticks)), TimeSpan.FromTicks(times.Sum(thread => thread!.WaitTime.Ticks)));
    }

    private static NicReading ReadingOf(int slot, LinkStatistics tap) =>
        new(slot, (long)tap.SentBytes, (long)tap.ReceivedBytes, (long)tap.SentPackets, (long)tap.ReceivedPackets, (long)(tap.ReceiveDrops + tap.SendDrops));

    private sealed record Found(long Run, int ProcessId, IReadOnlyList<int> Vcpus, int Left);
}
