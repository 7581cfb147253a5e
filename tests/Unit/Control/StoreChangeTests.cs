using Lamina.Server.Control;
using Lamina.Testing.Store;
using Xunit;

namespace Lamina.Tests.Unit.Control;

public sealed class StoreChangeTests
{
    [Fact]
    public async Task Every_requirement_that_does_not_hold_is_named_and_nothing_is_written()
    {
        await using var test = TestStore.Create();
        var first = await new StoreChange("test.create")
            .Create(Keys.Names, "default/vm/web1", new Claim { Owner = "1" })
            .Create(Keys.Macs, "52:54:00:00:00:01", new Claim { Owner = "1" })
            .CommitAsync(test.Store, TimeProvider.System);
        Assert.True(first.Succeeded);

        var second = await new StoreChange("test.create")
            .Create(Keys.Names, "default/vm/web1", new Claim { Owner = "2" })
            .Create(Keys.Names, "default/vm/web2", new Claim { Owner = "2" })
            .Update(Keys.Macs, "52:54:00:00:00:01", new Claim { Owner = "2" }, first.Revision - 1)
            .Require(Keys.Vms.Spec["none"], 1)
            .RequireExists(Keys.Names["default/vm/web1"])
            .CommitAsync(test.Store, TimeProvider.System);

        Assert.False(second.Succeeded);
        Assert.Equal(
            [
                ("names/default/vm/web1", ConflictKind.AlreadyExists),
                ("macs/52:54:00:00:00:01", ConflictKind.Changed),
                ("vms/none/spec", ConflictKind.Missing),
            ],
            second.Conflicts.Select(conflict => (conflict.Key, conflict.Kind)));
        Assert.Equal("1", RecordJson.Read(second.ConflictAt("names/default/vm/web1")!.Current!, Keys.Names).Owner);
        Assert.Null(await test.Store.GetAsync(Keys.Names["default/vm/web2"]));
    }

    [Fact]
    public async Task An_update_at_the_revision_known_is_written_and_one_at_an_older_is_not()
    {
        await using var test = TestStore.Create();
        long created = (await ClaimAsync("1", 0)).Revision;
        var updated = await ClaimAsync("2", created);
        var late = await ClaimAsync("3", created);

        Assert.True(updated.Succeeded);
        Assert.False(late.Succeeded);
        Assert.Equal("2", RecordJson.Read(late.Conflicts[0].Current!, Keys.Names).Owner);

        ValueTask<CommitResult> ClaimAsync(string owner, long expected)
        {
            var change = new StoreChange("test.claim");
            var claim = new Claim { Owner = owner };
            _ = expected == 0 ? change.Create(Keys.Names, "n", claim) : change.Update(Keys.Names, "n", claim, expected);
            return change.CommitAsync(test.Store, TimeProvider.System);
        }
    }

    [Fact]
    public async Task Deletion_takes_a_key_at_its_revision_or_a_whole_prefix()
    {
        await using var test = TestStore.Create();
        long created = (await new StoreChange("test")
            .Create(Keys.Names, "a", new Claim { Owner = "1" })
            .Create(Keys.Names, "b/1", new Claim { Owner = "1" })
            .Create(Keys.Names, "b/2", new Claim { Owner = "1" })
            .CommitAsync(test.Store, TimeProvider.System)).Revision;

        Assert.False((await new StoreChange("test").Delete(Keys.Names["a"], created + 1).CommitAsync(test.Store, TimeProvider.System)).Succeeded);
        Assert.True((await new StoreChange("test")
            .Delete(Keys.Names["a"], created)
            .DeletePrefix(Keys.Names["b/"])
            .CommitAsync(test.Store, TimeProvider.System)).Succeeded);
        Assert.Empty((await test.Store.ListAsync([""]).FirstAsync()).Items);
    }

    [Fact]
    public async Task A_lost_answer_is_settled()
    {
        await using var test = TestStore.Create();
        var store = new UncertainStore(test.Store);
        store.Lose(true);
        var result = await new StoreChange("test").Create(Keys.Names, "a", new Claim { Owner = "1" }).CommitAsync(store, TimeProvider.System);
        Assert.True(result.Succeeded);
    }
}
