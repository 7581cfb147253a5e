using System.Text.RegularExpressions;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;
using Lamina.Testing;
using Lamina.Testing.Engine;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public partial class VmGateTests
{
    private static readonly VmDefinition Definition = new()
    {
        Id = Guid.NewGuid(),
        Name = "web1",
        Instance = "test",
        Epoch = 3,
        Run = 7,
        MachineType = "pc-q35-7.2",
        Accelerator = Lamina.Engine.Accelerator.Tcg,
        CpuModel = "Westmere-v1",
        Cpus = 1,
        MaxCpus = 1,
        MemoryMiB = 64,
        Uid = 1,
        Gid = 1,
        RuntimeFolder = "/nowhere",
    };

    [Theory]
    [InlineData(3, 6)]
    [InlineData(3, 8)]
    [InlineData(2, 7)]
    [InlineData(4, 7)]
    public async Task ARunThatIsNotOnRecordIsNotContinued(long epoch, long run)
    {
        var guest = new FakeGuest(Definition);
        await using var vm = guest.Attach();
        var status = TestVms.Status(VmState.Starting, run) with { Epoch = epoch };
        await Assert.ThrowsAsync<ContinueRefusedException>(() => VmGate.ContinueAsync(vm, status, CancellationToken.None));
        Assert.DoesNotContain("Continue", guest.Calls);
    }

    [Theory]
    [InlineData(RunState.InMigrate)]
    [InlineData(RunState.FinishMigrate)]
    [InlineData(RunState.PostMigrate)]
    public async Task AGuestOfAMigrationNeedsAPermit(RunState state)
    {
        var guest = new FakeGuest(Definition);
        guest.ForceState(state);
        await using var vm = guest.Attach();
        var status = TestVms.Status(VmState.Paused, 7) with { Epoch = 3 };
        await Assert.ThrowsAsync<ContinueRefusedException>(() => VmGate.ContinueAsync(vm, status, CancellationToken.None));
        Assert.Equal(state, guest.State);
        var permitted = status with { Job = new VmJobPermit { Operation = "op-1", Kind = VmJobKind.Restore } };
        await VmGate.ContinueAsync(vm, permitted, CancellationToken.None);
        Assert.Equal(RunState.Running, guest.State);
    }

    [Fact]
    public void ThereIsOneGate()
    {
        var callers = Directory.EnumerateFiles(Repository.PathOf("src", "Server"), "*.cs", SearchOption.AllDirectories)
            .Where(file => Call().IsMatch(File.ReadAllText(file)))
            .Select(Path.GetFileName);
        Assert.Equal(["VmGate.cs"], callers);
    }

    [GeneratedRegex(@"(?<!VmGate)\.ContinueAsync\(")]
    private static partial Regex Call();
}
