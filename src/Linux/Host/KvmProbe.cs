namespace Lamina.Linux.Host;

/// <summary>Tries KVM instead of believing in /dev/kvm: there are machines where it can be opened and no operating system runs.</summary>
public static class KvmProbe
{
    /// <summary>A host that boots, all of its services at once, may take seconds for what takes milliseconds else.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly LateAnswer<KvmTrial> Trials = new("lamina-kvm-probe", KvmGuest.Try);

    /// <summary>Takes some milliseconds; the first time that KVM does not answer <see cref="Patience"/>, later nothing.</summary>
    public static KvmVerdict Run()
    {
        var cpu = CpuFacts.Read();
        return KvmVerdict.From(cpu, KvmVerdict.HasExtension(cpu) ? Try() : null, HasIommu());
    }

    private static KvmTrial Try() => Trials.Ask(Patience) ?? new("a first guest has not answered yet") { HasAnswered = false };

    private static bool HasIommu() =>
        Directory.Exists("/sys/kernel/iommu_groups") && Directory.EnumerateDirectories("/sys/kernel/iommu_groups").Any();
}
