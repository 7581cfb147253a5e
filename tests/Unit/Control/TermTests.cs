using Lamina.Server.Control;
using Lamina.Testing.Store;
using Xunit;

namespace Lamina.Tests.Unit.Control;

public sealed class TermTests
{
    private static readonly LeaderRecord Leader = new() { Host = "host1", Incarnation = "boot1.a" };

    [Fact]
    public async Task A_controller_of_a_former_term_can_commit_nothing()
    {
        await using var test = TestStore.Create();
        var former = await BeginAsync(test);
        Assert.True((await ClaimAsync(test, former)).Succeeded);
        await new StoreChange("test").Delete(Keys.Leader[""]).CommitAsync(test.Store, TimeProvider.System);
        var now = await BeginAsync(test);

        Assert.Equal([Keys.Leader[""]], (await ClaimAsync(test, former)).Conflicts.Select(conflict => conflict.Key));
        Assert.True((await ClaimAsync(test, now)).Succeeded);
        Assert.Equal(former.Generation, now.Generation);
    }

    [Fact]
    public async Task After_a_restore_to_another_generation_nothing_is_committed()
    {
        await using var test = TestStore.Create();
        var term = await BeginAsync(test);
        await new StoreChange("test").Put(Keys.Generation, "", new GenerationRecord { Number = 2 }).CommitAsync(test.Store, TimeProvider.System);

        Assert.Equal(ConflictKind.Changed, Assert.Single((await ClaimAsync(test, term)).Conflicts).Kind);
        Assert.Equal(2, (await StoreGeneration.EnsureAsync(test.Store, TimeProvider.System)).Number);
    }

    private static async Task<Term> BeginAsync(TestStore test)
    {
        var generation = await StoreGeneration.EnsureAsync(test.Store, TimeProvider.System);
        var begun = await new StoreChange("test").Create(Keys.Leader, "", Leader).CommitAsync(test.Store, TimeProvider.System);
        return new Term(begun.Revision, generation);
    }

    private static ValueTask<CommitResult> ClaimAsync(TestStore test, Term term) =>
        new StoreChange("test").Put(Keys.Names, "n", new Claim { Owner = "1" }).During(term).CommitAsync(test.Store, TimeProvider.System);
}
