using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>A daemon dies at each of its commits, before it or after it, on either side; then it starts anew, and everything comes to rest.</summary>
public class HandoverCrashTests
{
    [Fact]
    public async Task WhereverTheSourcesDaemonDiesTheGuestRunsOnce()
    {
        for (int commit = 1; ; commit++)
        {
            bool before = await DieAsync(atSource: true, commit, diesAfter: false);
            bool after = await DieAsync(atSource: true, commit, diesAfter: true);
            if (before || after) continue;
            Assert.True(commit > 3, "its two words and the end are commits");
            return;
        }
    }

    [Fact]
    public async Task WhereverTheTargetsDaemonDiesTheGuestRunsOnce()
    {
        for (int commit = 1; ; commit++)
        {
            bool before = await DieAsync(atSource: false, commit, diesAfter: false);
            bool after = await DieAsync(atSource: false, commit, diesAfter: true);
            if (before || after) continue;
            Assert.True(commit > 3, "its word, the commit and DONE are commits");
            return;
        }
    }

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

    /// <returns>False: it made fewer commits.</returns>
    private static async Task<bool> DieAsync(bool atSource, int commit, bool diesAfter)
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var victim = atSource ? pair.First : pair.Second;
        await victim.StopDaemonAsync();
        await victim.StartDaemonAsync(mortal: store => new MortalStore(store) { LastCommit = commit, DiesAfter = diesAfter });
        await victim.Vms.Taken;
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        var died = victim.DaemonStore.Died;
        var observer = atSource ? pair.Second : pair.First;
        var ending = observer.EndOfAsync(operation);
        await Task.WhenAny(died, ending);
        if (died.IsCompleted)
        {
            await victim.StopDaemonAsync();
            await victim.StartDaemonAsync();
        }

        var ended = await ending;
        bool moved = ended.Phase == OperationPhase.Succeeded;
        await pair.AssertAtRestAsync(id, moved ? pair.Second : pair.First, moved ? 2 : observer.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Epoch);
        return died.IsCompleted;
    }
}
