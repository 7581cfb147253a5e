using Lamina.Linux.Cgroups;

namespace Lamina.Engine.Qemu;

/// <summary>What the cgroup of a VM may use: at its start, and whenever its limits change. Pure.</summary>
internal static class QemuLimits
{
    /// <summary>
    /// Beside its vCPUs: QEMU's pool of up to 64 threads for each disk, its workers, the TPM's process. A QEMU that a guest has taken over finds no
    /// further one; what it finds first is that its sandbox denies every fork.
    /// </summary>
    private const int OtherTasks = 1024;

    public static CgroupLimits Of(VmDefinition definition) => new()
    {
        CpuQuotaPercent = definition.Limits.CpuQuotaPercent,
        CpuWeight = definition.Limits.CpuWeight,
        MemoryBytes = definition.Limits.MemoryLimitBytes,
        Processes = definition.MaxCpus + OtherTasks,
    };
}
