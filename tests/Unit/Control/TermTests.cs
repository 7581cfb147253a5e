using Lamina.Server.Control;
using Lamina.Testing.Store;
using Xunit;

namespace Lamina.Tests.Unit.Control;

public sealed class TermTests
{
    [Fact]
    public async Task A_controller_of_a_former_term_can_commit_nothing()
    {
        await using var test = TestStore.Create();
        var former = await Term.BeginAsync(test.Store, TimeProvider.System, "host1", "boot1.a");
        Assert.True((await ClaimAsync(former)).Succeeded);
        var now = await Term.BeginAsync(test.Store, TimeProvider.System, "host1", "boot1.b");

        Assert.Equal([Keys.Leader[""]], (await ClaimAsync(former)).Conflicts.Select(conflict => conflict.Key));
        Assert.True((await ClaimAsync(now)).Succeeded);
        Assert.Equal(former.GenerationRevision, now.GenerationRevision);

        ValueTask<CommitResult> ClaimAsync(Term term) =>
            new StoreChange("test").Put(Keys.Names, "n", new Claim { Owner = "1" }).During(term).CommitAsync(test.Store, TimeProvider.System);
    }

    [Fact]
    public async Task After_a_restore_to_another_generation_nothing_is_committed()
    {
        await using var test = TestStore.Create();
        var term = await Term.BeginAsync(test.Store, TimeProvider.System, "host1", "boot1.a");
        await new StoreChange("test").Put(Keys.Generation, "", new GenerationRecord { Number = 2 }).CommitAsync(test.Store, TimeProvider.System);

        var result = await new StoreChange("test").Put(Keys.Names, "n", new Claim { Owner = "1" }).During(term).CommitAsync(test.Store, TimeProvider.System);
        Assert.Equal(ConflictKind.Changed, Assert.Single(result.Conflicts).Kind);
    }
}
