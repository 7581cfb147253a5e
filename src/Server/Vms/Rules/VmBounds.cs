using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Placement;

namespace Lamina.Server.Vms.Rules;

/// <summary>The checks that creation and change of a VM share (pure): sizes, limits, policies, words.</summary>
internal static class VmBounds
{
    public const int DefaultCpus = 1;
    public const int DefaultMemoryMiB = 512;

    /// <summary>What q35 and i440fx take without an interrupt remapping unit (QEMU, hw/i386: APIC ids of 8 bits).</summary>
    public const int MostCpus = 255;

    /// <summary>Below it neither SeaBIOS nor a small system of the eighties gets far.</summary>
    public const int LeastMemoryMiB = 16;
    public const int LeastUefiMemoryMiB = 128;
    private const int MostTags = 32;
    private const int MostRoomMiB = 16 << 20;

    /// <summary>QEMU, include/qemu/throttle.h: THROTTLE_VALUE_MAX.</summary>
    private const long MostThrottle = 1_000_000_000_000_000;
    private const int NotesLength = 4096;
    private const int LongestDelaySeconds = 3600;

    public static void CheckCpus(int cpus, int? maxCpus, InputProblems problems)
    {
        if (cpus is < 1 or > MostCpus) problems.Add("$.cpus", "vm.cpus", $"A VM has 1 to {MostCpus} CPUs, not {cpus}.");
        else if (maxCpus < cpus) problems.Add("$.maxCpus", "vm.maxCpus", $"maxCpus ({maxCpus}) is the upper limit of cpus ({cpus}): make it at least as large, or leave it out.");
        else if (maxCpus > MostCpus) problems.Add("$.maxCpus", "vm.maxCpus", $"A VM has at most {MostCpus} CPUs, not {maxCpus}.");
    }

    public static void CheckMemory(int memoryMiB, VmFirmware firmware, IReadOnlyList<HostStatus> hosts, InputProblems problems)
    {
        int least = firmware == VmFirmware.Uefi ? LeastUefiMemoryMiB : LeastMemoryMiB;
        if (memoryMiB < least)
        {
            problems.Add("$.memoryMiB", "vm.memory", $"{memoryMiB} MiB are too little: {(firmware == VmFirmware.Uefi ? "UEFI firmware" : "a PC")} needs at least {least}.");
            return;
        }

        if (hosts.Count == 0) return;
        long most = hosts.Max(MostMemory);
        if (memoryMiB > most)
            problems.Add("$.memoryMiB", "vm.memoryExceedsHost", $"{memoryMiB} MiB are more than {(hosts.Count == 1 ? "the host has" : "any host has")}: at most {most} MiB can be given to one VM (the rest is QEMU's).");
    }

    /// <param name="memoryMiB">What the guest has.</param>
    /// <param name="leastMiB">Below this the balloon never takes it; null: half.</param>
    /// <param name="leftMiB">What it shall have left, by hand; null: by the host's policy.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static void CheckBalloon(int memoryMiB, int? leastMiB, int? leftMiB, InputProblems problems)
    {
        if (leastMiB < LeastMemoryMiB || leastMiB > memoryMiB)
            problems.Add("$.memoryMinMiB", "vm.memoryMin", $"What the balloon must leave lies between {LeastMemoryMiB} MiB and the VM's memory, {memoryMiB} MiB; {leastMiB} MiB does not.");
        int least = leastMiB <= memoryMiB ? Math.Max(leastMiB.Value, LeastMemoryMiB) : LeastMemoryMiB;
        if (leftMiB < least || leftMiB > memoryMiB)
            problems.Add("$.balloonMiB", "vm.balloon", $"The balloon can leave the guest from {least} MiB to all of its {memoryMiB} MiB; {leftMiB} MiB is neither.");
    }

    /// <summary>Up to this the PC's memory ends below 4 GiB (QEMU, hw/i386/pc_q35.c), and a Linux guest needs no bounce buffers.</summary>
    public const int LowMemoryMiB = 2815;

    /// <summary>
    /// Room for memory makes a Linux guest set 64 MiB aside for devices that reach only 4 GiB (its software IO TLB). A guest with memory beyond 4 GiB does so anyway:
    /// only such get room without being asked.
    /// </summary>
    public static int? DefaultMaxMemory(int memoryMiB, bool hasFloppy, IReadOnlyList<HostStatus> hosts)
    {
        if (memoryMiB <= LowMemoryMiB || hasFloppy || hosts.Count == 0) return null;
        long room = Math.Min(4L * memoryMiB, hosts.Max(MostMemory)) & ~1L;
        return room > memoryMiB ? (int)room : null;
    }

    public static void CheckMaxMemory(int memoryMiB, int? maxMemoryMiB, bool hasFloppy, InputProblems problems)
    {
        if (maxMemoryMiB is not { } most) return;
        if (hasFloppy) problems.Add("$.maxMemoryMiB", "vm.maxMemoryFloppy", "A VM with a floppy has a machine whose memory cannot grow: leave maxMemoryMiB out.");
        else if (most < memoryMiB) problems.Add("$.maxMemoryMiB", "vm.maxMemory", $"maxMemoryMiB ({most}) is the upper limit of memoryMiB ({memoryMiB}): make it at least as large, or leave it out.");
        else if (most > MostRoomMiB) problems.Add("$.maxMemoryMiB", "vm.maxMemory", $"A VM has room for at most {MostRoomMiB} MiB.");
    }

    /// <summary>0 and nothing at all are no limit.</summary>
    public static DiskLimits? Normalize(DiskLimits? limits)
    {
        static long? Bound(long? value) => value == 0 ? null : value;
        if (limits is null) return null;
        var bounds = limits with
        {
            Iops = Bound(limits.Iops),
            IopsRead = Bound(limits.IopsRead),
            IopsWrite = Bound(limits.IopsWrite),
            BytesPerSecond = Bound(limits.BytesPerSecond),
            BytesPerSecondRead = Bound(limits.BytesPerSecondRead),
            BytesPerSecondWrite = Bound(limits.BytesPerSecondWrite),
        };
        return bounds == new DiskLimits() ? null : bounds;
    }

    public static void CheckDiskLimits(DiskLimits? limits, string path, InputProblems problems)
    {
        if (limits is null) return;
        foreach (var (name, value) in new[]
        {
            ("iops", limits.Iops), ("iopsRead", limits.IopsRead), ("iopsWrite", limits.IopsWrite), ("bytesPerSecond", limits.BytesPerSecond),
            ("bytesPerSecondRead", limits.BytesPerSecondRead), ("bytesPerSecondWrite", limits.BytesPerSecondWrite),
        })
        {
            if (value is < 1 or > MostThrottle) problems.Add($"{path}.{name}", "value.outOfRange", $"Write 1 to {MostThrottle}, or leave it out for no limit.");
        }

        // QEMU's docs/throttle.txt: a total and its parts exclude each other.
        if (limits.Iops is not null && (limits.IopsRead ?? limits.IopsWrite) is not null) problems.Add($"{path}.iops", "disk.limitTwice", "A limit for all requests excludes those for reads and writes: name one or the other.");
        if (limits.BytesPerSecond is not null && (limits.BytesPerSecondRead ?? limits.BytesPerSecondWrite) is not null)
            problems.Add($"{path}.bytesPerSecond", "disk.limitTwice", "A limit for all bytes excludes those for reads and writes: name one or the other.");
    }

    public static void CheckLimits(VmLimits? limits, InputProblems problems)
    {
        if (limits?.CpuPercent is < 1 or > 100 * MostCpus)
            problems.Add("$.limits.cpuPercent", "vm.cpuPercent", $"Percent of one core, from 1 to {100 * MostCpus}; {limits.CpuPercent} is not.");
        if (limits?.CpuWeight is < 1 or > 10_000)
            problems.Add("$.limits.cpuWeight", "vm.cpuWeight", $"A weight lies between 1 and 10000; 100 is the usual one. {limits.CpuWeight} does not.");
    }

    public static void CheckAutostart(VmAutostart? autostart, InputProblems problems)
    {
        if (autostart?.Order < 0) problems.Add("$.autostart.order", "vm.autostartOrder", $"The order counts from 0; {autostart.Order} is below.");
        if (autostart?.DelaySeconds is < 0 or > LongestDelaySeconds)
            problems.Add("$.autostart.delaySeconds", "vm.autostartDelay", $"The delay lies between 0 and {LongestDelaySeconds} s; {autostart.DelaySeconds} does not.");
    }

    public static void CheckWords(string? notes, IReadOnlyList<string>? tags, InputProblems problems)
    {
        if (notes?.Length > NotesLength) problems.Add("$.notes", "vm.notesTooLong", $"Notes have at most {NotesLength} characters; these have {notes.Length}.");
        if (tags is null) return;
        if (tags.Count > MostTags) problems.Add("$.tags", "vm.tooManyTags", $"A VM has at most {MostTags} tags; these are {tags.Count}.");
        for (int index = 0; index < tags.Count; index++)
        {
            string path = $"$.tags[{index}]";
            if (!Names.IsLabel(tags[index])) problems.Add(path, "vm.tag", $"'{Suggestions.Shorten(tags[index])}' is no tag: use 1 to {Names.LabelLength} lower-case letters, digits and inner hyphens.");
            else if (tags.Take(index).Contains(tags[index])) problems.Add(path, "vm.tagTwice", $"The tag '{tags[index]}' is there already.");
        }
    }

    public static long MostMemory(HostStatus host)
    {
        var accelerator = host.Accelerator?.Kind ?? AcceleratorKind.Tcg;
        // The translation cache has reached its upper bound wherever a VM is as large as a host.
        int overhead = VmFootprint.Of(4096, accelerator).AdmissionMiB - 4096;
        return host.MemoryMiB - overhead;
    }
}
