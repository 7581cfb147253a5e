using System.Text;
using Lamina.Server.Store;
using Lamina.Testing.Store;
using Lamina.Testing.Vms;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Store;

/// <summary>The way of one host's store into another one, and its death at each step of it.</summary>
public sealed class StoreMoveTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Everything_but_what_hangs_on_leases_is_copied()
    {
        await using var source = await FilledAsync(250);
        long lease = await source.Store.GrantLeaseAsync(TimeSpan.FromHours(1), Cancellation);
        await source.Store.CommitAsync(Put("leader", "me", lease));
        await using var target = TestStore.Create();

        var seen = new List<long>();
        var copied = await new StoreCopy(source.Store, target.Store, TimeProvider.System).RunAsync(seen.Add, Cancellation);
        Assert.Equal(250, copied.Keys);
        Assert.Equal([100, 200, 250], seen);
        Assert.Equal(await ContentAsync(source.Store, "leader"), await ContentAsync(target.Store));
    }

    [Fact]
    public async Task A_store_in_use_is_left_as_it_is()
    {
        await using var source = await FilledAsync(3);
        await using var target = TestStore.Create();
        await target.Store.PutAsync("vms/theirs/spec", "x");

        await Assert.ThrowsAsync<StoreRefusedException>(() => CopyAsync(source.Store, target.Store));
        Assert.Equal(["vms/theirs/spec=x"], await ContentAsync(target.Store));
    }

    [Fact]
    public async Task The_unfinished_copy_of_another_store_is_left_as_it_is()
    {
        await using var first = await FilledAsync(3);
        await using var second = await FilledAsync(4);
        await using var target = TestStore.Create();
        await CopyAsync(first.Store, target.Store);

        await Assert.ThrowsAsync<StoreRefusedException>(() => CopyAsync(second.Store, target.Store));
        Assert.Equal(3, (await ContentAsync(target.Store)).Count);
    }

    [Fact]
    public async Task Once_opened_the_copy_is_never_wiped_again()
    {
        await using var source = await FilledAsync(3);
        await using var target = TestStore.Create();
        await CopyAsync(source.Store, target.Store);
        await CopyAsync(source.Store, target.Store);
        await StoreCopy.FinishAsync(target.Store, TimeProvider.System, Cancellation);

        await Assert.ThrowsAsync<StoreRefusedException>(() => CopyAsync(source.Store, target.Store));
    }

    /// <summary>The mark and three batches are four commits.</summary>
    public static MatrixTheoryData<int, bool> Deaths => new([1, 2, 3, 4], [false, true]);

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task Whenever_it_dies_the_host_keeps_its_store_and_the_next_attempt_makes_a_whole_copy(int lastCommit, bool diesAfter)
    {
        await using var source = await FilledAsync(250);
        await using var target = TestStore.Create();
        var mortal = new MortalStore(target.Store) { LastCommit = lastCommit, DiesAfter = diesAfter };
        var dying = StoreMove.RunAsync(source.Store, mortal, Etcd, TimeProvider.System, null, Cancellation);
        await mortal.Died.WaitAsync(Deadline, Cancellation);
        Assert.Equal(StoreDescription.Sqlite, StoreFolder.Read(source.Folder)!.Kind);
        mortal.Bury();
        await Assert.ThrowsAnyAsync<IOException>(() => dying);

        // Another life of the daemon, which has changed something meanwhile.
        await source.ReopenAsync();
        await source.Store.CommitAsync(new StoreWrite.Delete("vms/00007/spec"), Put("vms/00008/spec", "changed"));
        await StoreMove.RunAsync(source.Store, target.Store, Etcd, TimeProvider.System, null, Cancellation);
        Assert.Equal(await ContentAsync(source.Store), await ContentAsync(target.Store));
        Assert.Equal(StoreDescription.Etcd, StoreFolder.Read(source.Folder)!.Kind);
    }

    [Fact]
    public async Task While_it_is_copied_a_store_takes_no_writes_and_when_that_fails_it_does_again()
    {
        await using var source = await FilledAsync(3);
        await using var target = TestStore.Create();
        var refused = new MortalStore(target.Store);
        refused.Refuse = _ =>
        {
            Assert.IsType<StoreUnavailableException>(Record.Exception(() => source.Store.CommitAsync(Put("late", "x")).AsTask().GetAwaiter().GetResult()));
            return new StoreUnavailableException("etcd is away");
        };
        await Assert.ThrowsAsync<StoreUnavailableException>(() => StoreMove.RunAsync(source.Store, refused, Etcd, TimeProvider.System, null, Cancellation));
        Assert.True((await source.Store.CommitAsync(Put("late", "x"))).Succeeded);
    }

    [Fact]
    public async Task After_the_switch_the_former_store_takes_no_writes_and_no_start_falls_back_to_it()
    {
        await using var source = await FilledAsync(3);
        await using var target = TestStore.Create();
        await StoreMove.RunAsync(source.Store, target.Store, Etcd, TimeProvider.System, null, Cancellation);

        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await source.Store.CommitAsync(Put("late", "x")));
        source.Store.Unseal();
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await source.Store.CommitAsync(Put("late", "x")));
        var refusal = await Assert.ThrowsAsync<StoreRefusedException>(source.ReopenAsync);
        Assert.Equal(StoreRefusal.InCluster, refusal.Reason);
        Assert.Equal(StoreRefusal.InCluster, Assert.Throws<StoreRefusedException>(() => SqliteBackup.Restore("any", source.Folder, TimeProvider.System)).Reason);
        File.Delete(Path.Combine(source.Folder, "store.json"));
        await source.ReopenAsync();
    }

    private static StoreDescription Etcd { get; } = new(StoreDescription.Etcd, "abc.1");

    private static async Task<TestStore> FilledAsync(int keys)
    {
        var test = TestStore.Create();
        foreach (int[] numbers in Enumerable.Range(0, keys).Chunk(100))
            await test.Store.CommitAsync([.. numbers.Select(number => Put($"vms/{number:d5}/spec", $"value {number}"))]);
        return test;
    }

    private static Task<StoreCopied> CopyAsync(IStore from, IStore to) => new StoreCopy(from, to, TimeProvider.System).RunAsync(null, Cancellation);

    private static async Task<List<string>> ContentAsync(IStore store, params string[] without) =>
    [
        .. (await store.AllAsync())
            .Where(item => item.Key != StoreCopy.MarkKey && !without.Contains(item.Key))
            .Select(item => $"{item.Key}={Encoding.UTF8.GetString(item.Value.Span)}"),
    ];
}
