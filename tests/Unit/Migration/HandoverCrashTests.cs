using Lamina.Api;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Testing.Vms;

namespace Lamina.Tests.Unit.Migration;

/// <summary>A daemon dies at each of its commits, before it or after it, and at each thing that it asks of QEMU, on either side; then it starts anew, and everything comes to rest.</summary>
public class HandoverCrashTests
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task WhereverADaemonDiesTheGuestRunsOnce(bool atSource, bool postCopy)
    {
        for (int commit = 1; ; commit++)
        {
            bool before = await DieAsync(atSource, postCopy, new Death { Commit = commit });
            bool after = await DieAsync(atSource, postCopy, new Death { Commit = commit, IsAfter = true });
            if (before || after) continue;
            Assert.True(commit > 3, "the source's words and the end are commits; so are the target's word, the commit and DONE");
            return;
        }
    }

    /// <summary>Between its commits, too: before each thing that it asks of its QEMU, which is after the one before.</summary>
    [Theory]
    [InlineData(true, false, "BeginMigration")]
    [InlineData(true, false, "Quit")]
    [InlineData(true, true, "BeginMigration")]
    [InlineData(true, true, "StartPostCopy")]
    [InlineData(true, true, "ContinueSwitchover")]
    [InlineData(true, true, "Quit")]
    [InlineData(false, false, "Listen")]
    [InlineData(false, false, "Continue")]
    [InlineData(false, false, "Announce")]
    [InlineData(false, false, "StopListening")]
    [InlineData(false, true, "Listen")]
    [InlineData(false, true, "Continue")]
    [InlineData(false, true, "Announce")]
    [InlineData(false, true, "StopListening")]
    public async Task WhateverItWasToAskOfQemuTheGuestRunsOnce(bool atSource, bool postCopy, string call) =>
        Assert.True(await DieAsync(atSource, postCopy, new Death { Call = call }), "It never came to that call.");

    /// <summary>The answer of each commit is lost in turn: it was carried out or not, and the daemon has to find out by writing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhicheverAnswerIsLostTheGuestRunsOnce(bool carriedOut)
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        foreach (var host in new[] { pair.First, pair.Second })
        {
            var lost = new HashSet<Guid>();
            var store = host.Store;
            host.DaemonStore.Refuse = transaction =>
            {
                if (!lost.Add(transaction.Nonce)) return null;
                if (carriedOut) store.CommitAsync(transaction).AsTask().GetAwaiter().GetResult();
                return new StoreOutcomeUnknownException(transaction, "The answer was lost.");
            };
        }

        string operation = await pair.First.MigrateAsync(id, pair.Second);
        var ended = await pair.First.EndOfAsync(operation);
        bool moved = ended.Phase == OperationPhase.Succeeded;
        await pair.AssertAtRestAsync(id, moved ? pair.Second : pair.First, moved ? 2 : 1);
    }

    /// <summary>A migration of which one daemon dies, starts anew and goes on. No process dies: the guest keeps its memory.</summary>
    /// <returns>False: it ended without coming to that.</returns>
    private static async Task<bool> DieAsync(bool atSource, bool postCopy, Death death)
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        var victim = atSource ? pair.First : pair.Second;
        if (death.Commit > 0)
        {
            await victim.StopDaemonAsync();
            await victim.StartDaemonAsync(mortal: store => new MortalStore(store) { LastCommit = death.Commit, DiesAfter = death.IsAfter });
            await victim.Vms.Taken;
        }

        if (postCopy)
        {
            guest.Migration.NeedsPostCopy = true;
            guest.Migration.Outrun();
            guest.HoldMigrationAt(MigrationPhase.PostCopyActive);
        }

        guest.OnCall = call => atSource ? death.AtAsync(call) : Task.CompletedTask;
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            // It runs there: the rest of its memory follows.
            if (call == "Announce") guest.HoldMigrationAt(null);
            return atSource ? Task.CompletedTask : death.AtAsync(call);
        };
        string operation = await pair.First.MigrateAsync(id, pair.Second, request => request with { AllowPostCopy = postCopy });
        var died = death.Commit > 0 ? victim.DaemonStore.Died : death.Died;
        var observer = atSource ? pair.Second : pair.First;
        var ending = observer.EndOfAsync(operation);
        await Task.WhenAny(died, ending);
        if (died.IsCompleted)
        {
            var stopping = victim.StopDaemonAsync();
            death.Bury();
            await stopping;
            await victim.StartDaemonAsync();
        }

        var ended = await ending;
        bool moved = ended.Phase == OperationPhase.Succeeded;
        await pair.AssertAtRestAsync(id, moved ? pair.Second : pair.First, moved ? 2 : observer.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Epoch);
        Assert.Equal(1, observer.Cache.Snapshot.Get(Keys.Vms.Status, id)!.Record.Run);
        return died.IsCompleted;
    }

    /// <summary>When a daemon dies.</summary>
    private sealed class Death
    {
        private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _buried = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>At its nth; 0: at none.</summary>
        public int Commit { get; init; }

        /// <summary>The commit is still carried out.</summary>
        public bool IsAfter { get; init; }

        /// <summary>Before the first of this to its QEMU.</summary>
        public string? Call { get; init; }

        public Task Died => _died.Task;

        public async Task AtAsync(string call)
        {
            if (call != Call || !_died.TrySetResult()) return;
            await _buried.Task;
            throw new QmpClosedException($"{call}: the daemon is dead.");
        }

        public void Bury() => _buried.TrySetResult();
    }
}
