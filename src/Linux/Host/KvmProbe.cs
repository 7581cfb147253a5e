namespace Lamina.Linux.Host;

/// <summary>Tries KVM instead of believing in /dev/kvm: there are machines where it can be opened and no operating system runs.</summary>
public static class KvmProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Takes some milliseconds.</summary>
    public static KvmVerdict Run()
    {
        var cpu = CpuFacts.Read();
        return KvmVerdict.From(cpu, KvmVerdict.HasExtension(cpu) ? Try() : null, HasIommu());
    }

    /// <summary>On a thread of its own: KVM_RUN of a broken KVM may never come back.</summary>
    private static KvmTrial Try()
    {
        KvmTrial? trial = null;
        var thread = new Thread(() => trial = KvmGuest.Try(), maxStackSize: 256 * 1024) { IsBackground = true, Name = "lamina-kvm-probe" };
        thread.Start();
        return thread.Join(Patience) ? trial! : new("a first guest did not answer");
    }

    private static bool HasIommu() =>
        Directory.Exists("/sys/kernel/iommu_groups") && Directory.EnumerateDirectories("/sys/kernel/iommu_groups").Any();
}
