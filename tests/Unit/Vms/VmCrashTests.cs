using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>
/// The daemon dies just before and just after each of its commits in the life of a VM. The next one goes on: what was asked for is done, nothing is
/// done twice, nothing is left.
/// </summary>
public class VmCrashTests
{
    private static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }], Start = true };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheDaemonMayDieAtAnyCommit(bool diesAfter)
    {
        var (last, deaths) = await MortalStore.DieAtEachCommitAsync(commit => LiveAsync(commit, diesAfter));

        Assert.InRange(last, 10, 100);
        // Progress of operations is written now and then only, so the last numbers may not be reached each time.
        Assert.InRange(deaths, last - 5, last);
    }

    /// <summary>A whole life of a VM. Gives the store as its first daemon had it.</summary>
    private static async Task<MortalStore> LiveAsync(int lastCommit, bool diesAfter)
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine, mortal: store => new MortalStore(store) { LastCommit = lastCommit, DiesAfter = diesAfter });
        var first = host.DaemonStore;
        var (id, created) = await host.CreateVmAsync(Small);
        await SucceedsAsync(host, engine, created);
        await SucceedsAsync(host, engine, await host.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
        await SucceedsAsync(host, engine, await host.AskAsync(id, VmOperations.Resume, PowerWanted.Running));
        Assert.Equal(RunState.Running, Assert.Single(engine.Guests, guest => guest.IsAlive).State);
        await SucceedsAsync(host, engine, await host.ResetAsync(id), mayBeUnknown: true);
        await SucceedsAsync(host, engine, await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped));
        Assert.DoesNotContain(engine.Guests, guest => guest.IsAlive);
        await SucceedsAsync(host, engine, await host.AskAsync(id, VmOperations.Start, PowerWanted.Running));
        await SucceedsAsync(host, engine, await host.AskAsync(id, VmOperations.Stop, PowerWanted.Stopped));
        await SucceedsAsync(host, engine, await host.DeleteAsync(id));
        Assert.DoesNotContain(engine.Guests, guest => guest.IsAlive);
        await foreach (var page in host.Store.ListAsync([Keys.Vms.Prefix, "disks/", "names/default/vm/"])) Assert.Empty(page.Items);
        return first;
    }

    private static async Task SucceedsAsync(VmTestHost host, FakeEngine engine, string operation, bool mayBeUnknown = false)
    {
        var ended = await host.EndDespiteDeathAsync(operation);
        bool isUnknown = mayBeUnknown && ended.Failure?.Code == "operation.outcomeUnknown";
        Assert.True(isUnknown || ended.Phase == OperationPhase.Succeeded, $"{operation}: {ended.Failure}");
        Assert.InRange(engine.Guests.Count(guest => guest.IsAlive), 0, 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NothingIsContinuedWhileTheOutcomeOfItsCommitIsUnknown(bool carriedOut)
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        var (id, created) = await host.CreateVmAsync(Small with { Start = false });
        await host.EndOfAsync(created);
        var made = new TaskCompletionSource<FakeGuest>();
        var asked = new TaskCompletionSource();
        bool isLost = true;
        int attempts = 0;
        engine.OnStarted = made.SetResult;
        host.DaemonStore.Refuse = transaction =>
        {
            bool isStart = transaction.Writes.OfType<StoreWrite.Put>().Any(put => put.Key == Keys.Vms.Status[id] && RecordJson.Read(put.Key, put.Value.Span, Keys.Vms.Status.TypeInfo).State == VmState.Starting);
            if (!isStart || !Volatile.Read(ref isLost)) return null;
            if (carriedOut && attempts == 0) host.Store.CommitAsync(transaction).AsTask().GetAwaiter().GetResult();
            if (Interlocked.Increment(ref attempts) == 4) asked.SetResult();
            return new StoreOutcomeUnknownException(transaction, "The answer was lost.");
        };

        string start = await host.AskAsync(id, VmOperations.Start, PowerWanted.Running);
        var guest = await made.Task;
        await asked.Task;
        Assert.Equal((RunState.PreLaunch, true), (guest.State, guest.IsAlive));
        Assert.DoesNotContain("Continue", guest.Calls);

        Volatile.Write(ref isLost, false);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(start)).Phase);
        Assert.Equal((RunState.Running, 1L), (guest.State, (await host.StateAsync(id, VmState.Running)).Run));
        Assert.Single(engine.Started);
    }

    [Fact]
    public async Task AStoreThatIsAwayForAWhileHoldsUpTheRecordNotTheGuest()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var refused = new TaskCompletionSource();
        bool isAway = true;
        host.DaemonStore.Refuse = _ =>
        {
            if (!Volatile.Read(ref isAway)) return null;
            refused.TrySetResult();
            return new StoreUnavailableException("The disk is full.");
        };
        var guest = engine.Guests.Single();
        guest.LoseMonitor("stopped");
        await refused.Task;
        guest.RestoreMonitor();
        guest.PowerOff();
        Volatile.Write(ref isAway, false);
        Assert.Equal(StopCause.GuestShutdown, (await host.StateAsync(id, VmState.Stopped)).StopCause);
        Assert.Single(engine.Started);
    }
}
