using Lamina.Engine;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public class VmMemoryTests
{
    /// <summary>A process may tell of its end before or after its ending counts as over.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task OnlyWhatRanHasEnded(bool neverRan, bool tellsFirst)
    {
        var memory = new VmMemory(TimeProvider.System);
        await using var watch = new VmWatch(new FakeGuest(Definition).Attach(), _ => { }, TimeProvider.System);
        memory.Adopt(watch);
        var exited = new VmMessage.Told(watch, new VmExited(Definition.Epoch, Definition.Run, 0, null, ""), null);
        var ended = new VmStepResult(new VmStep.End(neverRan)) { Ended = watch };

        if (tellsFirst) memory.Hear(exited);
        memory.Conclude(ended, null);
        if (!tellsFirst) memory.Hear(exited);

        var seen = memory.See("boot", null, disksMade: true, [], []);
        Assert.Null(seen.Process);
        Assert.Equal(neverRan ? null : Definition.Run, seen.Exit?.Run);
        Assert.Same(watch, memory.Remains?.Watch);
    }

    private static VmDefinition Definition { get; } = new()
    {
        Id = Guid.NewGuid(), Name = "web1", Instance = "test", Epoch = 1, Run = 3, MachineType = "pc-q35-7.2", Accelerator = Accelerator.Tcg, CpuModel = "Westmere-v1",
        Cpus = 1, MaxCpus = 1, MemoryMiB = 64, Uid = 1, Gid = 1, RuntimeFolder = "/run/test/web1", Incoming = true,
    };
}
