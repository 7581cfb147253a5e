using Lamina.Engine;
using Lamina.Engine.Qemu;
using Xunit;

namespace Lamina.Tests.Unit.Engine.Qemu;

public class QemuLimitsTests
{
    [Fact]
    public void A_vm_is_limited_in_cpu_memory_and_processes()
    {
        var definition = Scenarios.All["q35-bios-kvm"] with
        {
            MaxCpus = 4,
            Limits = new LimitsDefinition { CpuQuotaPercent = 150, CpuWeight = 50, MemoryLimitBytes = 512L << 20 },
        };

        var limits = QemuLimits.Of(definition);

        Assert.Equal((150, 50, 512L << 20), (limits.CpuQuotaPercent, limits.CpuWeight, limits.MemoryBytes));
        Assert.Equal(4 + 1024, limits.Processes);
    }
}
