using Lamina.Api;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Records of an ordinary VM, for tests to change with <c>with</c>.</summary>
internal static class TestVms
{
    public static readonly DateTimeOffset Epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static VmSpec Spec(string name = "web1") => new()
    {
        Name = name,
        Cpus = 1,
        MemoryMiB = 512,
        Machine = new VmMachine { Type = "pc-q35-7.2", CpuModel = "Westmere-v1", MaxCpus = 4 },
    };

    public static VmStatus Status(VmState state, long run = 1, string bootId = PlanWorld.Boot) => new()
    {
        Host = "host-1",
        Epoch = 1,
        Run = run,
        State = state,
        HostBootId = bootId,
        StopCause = state == VmState.Stopped ? StopCause.Request : null,
    };
}
