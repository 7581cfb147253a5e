namespace Lamina.Linux.Host;

/// <summary>The processor of this machine (/proc/cpuinfo).</summary>
/// <param name="Vendor">"GenuineIntel", "AuthenticAMD"…</param>
/// <param name="Model">"AMD EPYC 9354 32-Core Processor".</param>
/// <param name="Threads">Logical processors online.</param>
/// <param name="Flags">The kernel's names of its features: vmx, svm, npt, ept…</param>
public sealed record CpuFacts(string Vendor, string Model, int Threads, IReadOnlySet<string> Flags)
{
    public static CpuFacts Read() => Parse(File.ReadAllText("/proc/cpuinfo"));

    internal static CpuFacts Parse(string text) => throw new NotImplementedException();
}

/// <summary>Memory of this machine (/proc/meminfo).</summary>
/// <param name="TotalBytes">Usable by the kernel.</param>
/// <param name="AvailableBytes">What new programs can get without swapping, by the kernel's estimate.</param>
public sealed record MemoryFacts(long TotalBytes, long AvailableBytes)
{
    public static MemoryFacts Read() => Parse(File.ReadAllText("/proc/meminfo"));

    internal static MemoryFacts Parse(string text) => throw new NotImplementedException();
}

/// <summary>Whether guests can run on the processor itself, and why not.</summary>
/// <param name="Works">KVM truly runs a guest here.</param>
/// <param name="Processor">"AMD EPYC".</param>
/// <param name="Reason">For people: "no AMD-V here".</param>
/// <param name="HasNestedPaging">EPT or NPT.</param>
/// <param name="HasIommu">Devices can be given to guests.</param>
public sealed record KvmVerdict(bool Works, string Processor, string Reason, bool HasNestedPaging, bool HasIommu)
{
    /// <summary>One line: "AMD EPYC, no AMD-V here → guests run under software translation (slower)".</summary>
    public string Summary => throw new NotImplementedException();
}

/// <summary>Tries KVM instead of believing in /dev/kvm.</summary>
public static class KvmProbe
{
    public static KvmVerdict Run() => throw new NotImplementedException();
}
