using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>A store that is no longer the one of the daemon's start decides nothing: no place, no run.</summary>
public sealed class VmTermTests
{
    private static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [] };

    [Fact]
    public async Task NoRunBeginsInAnotherGenerationOfTheStore()
    {
        var triedAgain = new TaskCompletionSource();
        int tries = 0;
        var engine = new FakeEngine();
        engine.OnStart = _ =>
        {
            if (++tries == 2) triedAgain.TrySetResult();
            return Task.CompletedTask;
        };
        await using var host = await VmTestHost.CreateAsync(engine);
        var (id, created) = await host.CreateVmAsync(Small);
        await host.EndOfAsync(created);
        await RestoreAsync(host);

        string start = await host.AskAsync(id, VmOperations.Start, PowerWanted.Running);
        await triedAgain.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.DoesNotContain(engine.Guests, guest => guest.State == RunState.Running);
        Assert.Equal((VmState.Stopped, 0), (host.Cache.Snapshot.Get(Keys.Vms.Status, id)!.Record.State, host.Cache.Snapshot.Get(Keys.Vms.Status, id)!.Record.Run));

        // The next daemon has seen the store as it is now.
        await host.RestartDaemonAsync();
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(start)).Phase);
        Assert.Equal(1, (await host.StateAsync(id, VmState.Running)).Run);
    }

    [Fact]
    public async Task NothingIsPlacedInATermThatIsOver()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        await RestoreAsync(host);
        var (id, created) = await host.CreateVmAsync(Small);
        await host.RestartDaemonAsync();
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(created)).Phase);

        // Placed after the restart, which is after the new generation: before it, the controller was refused.
        var assignment = host.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!;
        Assert.True(assignment.ModRevision > host.Cache.Snapshot.Get(Keys.Leader, "")!.ModRevision);
    }

    private static async Task RestoreAsync(VmTestHost host)
    {
        var restored = await new StoreChange("test.restore").Put(Keys.Generation, "", new GenerationRecord { Number = 2 }).CommitAsync(host.Store, TimeProvider.System);
        await host.Cache.WaitForRevisionAsync(restored.Revision, TimeSpan.FromSeconds(60));
    }
}
