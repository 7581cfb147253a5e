using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Tests.Integration.Migration;

/// <summary>Real guests that write faster than the link carries: given up in the end, or taken over in post-copy, also over a link that is cut and mended.</summary>
[Collection(nameof(PostCopySetting))]
[Trait("Length", "long")]
public class PostCopyTests(PostCopySetting setting, HostsOnOneStore hosts) : IClassFixture<HostsOnOneStore>
{
    /// <summary>Slower than the guest writes; in post-copy so slow that there is time to break it.</summary>
    private const long Slow = 6 << 20, VerySlow = 2 << 20;

    /// <summary>Writes all over some of its memory without end, and does not take long for it; what it does not touch any more goes over at the rate of the link only.</summary>
    private const string Writer = "(dd if=/dev/urandom of=/tmp/noise bs=64k count=384 2>/dev/null; dd if=/tmp/noise of=/tmp/idle bs=64k 2>/dev/null; while true; do dd if=/tmp/noise of=/tmp/copy bs=64k conv=notrunc 2>/dev/null; done) &";

    private VmMigrate Asked(bool postCopy, int timeoutSeconds) =>
        new() { To = hosts.Second.Daemon.HostId, MaxBytesPerSecond = postCopy ? VerySlow : Slow, AllowPostCopy = postCopy, TimeoutSeconds = timeoutSeconds };

    [Fact]
    public async Task A_guest_that_outruns_the_link_is_slowed_down_and_given_up_in_the_end()
    {
        var vm = await hosts.LaunchAsync("runner", also: Writer);
        var ended = await hosts.EndOfAsync(await hosts.MigrateAsync("runner", Asked(postCopy: false, timeoutSeconds: 40)));
        Assert.Equal("migration.notConverging", ended.State!.Failure!.Code);
        Assert.Contains(ended.State.Log, line => line.Contains("slowed down by", StringComparison.Ordinal));
        Assert.Contains(await EventsAsync(vm), happened => happened.Kind == "vm.migrationFailed" && happened.Message.Contains("got through in 40 s", StringComparison.Ordinal));
        await RunsOnlyAsync(vm, hosts.First, hosts.Second);
    }

    [Fact]
    public async Task It_goes_on_there_and_a_link_that_is_cut_and_mended_costs_nothing()
    {
        Assert.SkipUnless(setting.IsOpen, PostCopySetting.Reason);
        var vm = await hosts.LaunchAsync("jumper", also: Writer);
        int before = await hosts.CountAsync(vm);
        var operation = await hosts.MigrateAsync("jumper", Asked(postCopy: true, timeoutSeconds: 2));
        await InPostCopyAsync(vm, operation);
        await using (await hosts.CutAsync())
        {
            await hosts.UntilAsync(async () => (await EventsAsync(vm)).Any(happened => happened.Kind == "vm.postCopyBroken"));
            Assert.Null((await hosts.First.Client.Operations.GetAsync(operation.Id, hosts.Deadline)).State!.EndedAt);
        }

        var ended = await hosts.EndOfAsync(operation);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        Assert.Equal(vm.Assignment!.Epoch + 1, (await hosts.VmAsync("jumper")).Assignment!.Epoch);
        await RunsOnlyAsync(vm, hosts.Second, hosts.First);
        Assert.True(await hosts.CountAsync(await hosts.VmAsync("jumper")) > before, "It counts on where it was.");
        Assert.DoesNotContain(await EventsAsync(vm), happened => happened.Kind == "vm.crashed");
    }

    [Fact]
    public async Task Both_daemons_may_die_meanwhile()
    {
        Assert.SkipUnless(setting.IsOpen, PostCopySetting.Reason);
        var vm = await hosts.LaunchAsync("twice", also: Writer);
        var operation = await hosts.MigrateAsync("twice", Asked(postCopy: true, timeoutSeconds: 2));
        await InPostCopyAsync(vm, operation);
        await hosts.Second.RestartAsync();
        await hosts.First.RestartAsync();
        var ended = await hosts.EndOfAsync(operation);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        await RunsOnlyAsync(vm, hosts.Second, hosts.First);
        Assert.DoesNotContain(await EventsAsync(vm), happened => happened.Kind == "vm.crashed");
    }

    [Fact]
    public async Task A_link_that_does_not_come_back_takes_the_memory_and_that_is_said()
    {
        Assert.SkipUnless(setting.IsOpen, PostCopySetting.Reason);
        await hosts.First.Client.Migration.UpdateAsync(new MigrationSettingsUpdate { PostCopyPatienceSeconds = 12 }, hosts.Deadline);
        var vm = await hosts.LaunchAsync("loser", also: Writer);
        var operation = await hosts.MigrateAsync("loser", Asked(postCopy: true, timeoutSeconds: 2));
        await InPostCopyAsync(vm, operation);
        await using (await hosts.CutAsync())
        {
            var ended = await hosts.EndOfAsync(operation);
            Assert.True(ended.State!.Failure?.Code == "migration.memoryLost", $"{ended.State.Phase} {ended.State.Failure?.Message} {string.Join(" | ", (await EventsAsync(vm)).Select(happened => happened.Message))}");
        }

        Assert.Contains(await EventsAsync(vm), happened => happened.Kind == "vm.crashed" && happened.Message.Contains("memory was lost", StringComparison.Ordinal));
        await hosts.UntilAsync(async () => await hosts.VmAsync("loser") is { Status: { State: VmState.Running, Run: 2 } });
        await RunsOnlyAsync(vm, hosts.Second, hosts.First);
        await hosts.First.Client.Migration.UpdateAsync(new MigrationSettingsUpdate(), hosts.Deadline);
    }

    /// <summary>The guest runs there, as its new host says, with memory here.</summary>
    private Task InPostCopyAsync(Vm vm, Operation operation) => hosts.UntilAsync(async () =>
    {
        var now = (await hosts.First.Client.Operations.GetAsync(operation.Id, hosts.Deadline)).State;
        Assert.True(now?.EndedAt is null, now?.Failure?.Message ?? "It ended before it could be broken.");
        return now?.Transfer is { PostCopy: true } && await hosts.VmAsync(vm.Name) is { Status: { State: VmState.Running } status } && status.Epoch == vm.Assignment!.Epoch + 1;
    });

    private async Task<IReadOnlyList<Event>> EventsAsync(Vm vm) =>
        await hosts.First.Client.Events.ListAsync(hosts.Deadline).Where(happened => happened.Target?.Id == vm.Id).ToListAsync(hosts.Deadline);

    private async Task RunsOnlyAsync(Vm vm, Lamina.Testing.Server.TestDaemon owner, Lamina.Testing.Server.TestDaemon other)
    {
        await hosts.UntilAsync(() => Task.FromResult(HostsOnOneStore.ProcessesOf(other, vm).Count == 0));
        Assert.Single(HostsOnOneStore.ProcessesOf(owner, vm));
        var now = await hosts.VmAsync(vm.Name);
        Assert.Equal(owner.Daemon.HostId, now.Assignment!.Host);
        int count = await hosts.CountAsync(now);
        await hosts.UntilAsync(async () => await hosts.CountAsync(now) > count);
    }
}
