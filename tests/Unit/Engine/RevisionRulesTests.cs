using Lamina.Engine;
using Lamina.Tests.Unit.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine;

public class RevisionRulesTests
{
    [Fact]
    public void Keeps_the_machine_of_a_running_vm()
    {
        var running = Scenarios.Small("pc-q35-7.2");
        Expect(running, running with { Epoch = running.Epoch + 1 }, "epoch");
        Expect(running, running with { Run = running.Run + 1 }, "run");
        Expect(running, running with { Id = Guid.NewGuid() }, "id");
        Expect(running, running with { MachineType = "pc-q35-7.1" }, "machineType");
        Expect(running, running with { MaxCpus = 99 }, "maxCpus");
        Expect(running, running with { MemoryMiB = running.MemoryMiB + 1, Uid = running.Uid + 1 }, "memoryMiB", "uid");
    }

    [Fact]
    public void Lets_devices_and_limits_change()
    {
        var running = Scenarios.Small("pc-q35-7.2");
        Expect(running, running with
        {
            Disks = [new DiskDefinition { Slot = 3, Path = "/pool/new.qcow2", Format = DiskFormat.Qcow2 }],
            Cdroms = [], Nics = [], Limits = new LimitsDefinition { CpuQuotaPercent = 50 },
        });
    }

    private static void Expect(VmDefinition running, VmDefinition revised, params string[] members) =>
        Assert.Equal(members, RevisionRules.Problems(running, revised));
}
