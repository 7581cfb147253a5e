using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux.Processes;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Integration.Migration;

/// <summary>A real guest that is paused goes over with its disks and stays paused, as often as it is sent, and is one that can go on.</summary>
public class PausedTests
{
    private const string Writer =
        "i=0; while :; do i=$((i+1)); echo tick=$i; dd if=/dev/urandom of=/dev/vda bs=64k count=1 seek=$((i*7%240)) conv=notrunc,fsync 2>/dev/null; done";

    [Fact]
    public async Task It_goes_over_and_back_paused_and_then_counts_on()
    {
        await using var hosts = new TwoHosts();
        await StartAsync(hosts);
        int before = TwoHosts.LastTick(hosts.Source);
        for (int way = 0; way < 3; way++)
        {
            await hosts.ListenAsync();
            await SendAsync(hosts, pausesBeforeSwitch: way == 1);
            Assert.True((await hosts.Target.QueryMigrationAsync(hosts.Deadline)).IsLoaded);
            Assert.Equal(RunState.Paused, (await hosts.Target.QueryMigrationAsync(hosts.Deadline)).Guest);
            await hosts.Target.TakeHaltedAsync(hosts.Deadline);
            await hosts.Target.TakeHaltedAsync(hosts.Deadline);
            await hosts.Target.AnnounceAsync(hosts.Deadline);
            Assert.False(hosts.Target.Definition.MigratesIn);
            // As one that was paused there: a daemon that restarts finds nothing else.
            Assert.Equal(RunState.Paused, await hosts.Target.QueryStateAsync(hosts.Deadline));
            Assert.Empty((await hosts.Target.QueryMigrationAsync(hosts.Deadline)).Exports);
            await hosts.TurnRoundAsync();
        }

        await hosts.Source.ContinueAsync(permit: null, hosts.Deadline);
        await hosts.Source.Serial.WaitForAsync($"tick={before + 4}", hosts.Deadline);
        await hosts.Source.QuitAsync(hosts.Deadline);
        (await Command.RunAsync(new CommandSpec { Program = "qemu-img", Arguments = ["check", "-q", hosts.Source.Definition.Disks[0].Path], Timeout = TimeSpan.FromSeconds(20) }, hosts.Deadline)).EnsureSuccess();
    }

    /// <summary>Its disks are the source's still: refused, and nothing has changed at either side.</summary>
    [Fact]
    public async Task Disks_that_another_process_has_are_not_taken()
    {
        await using var hosts = new TwoHosts();
        await StartAsync(hosts);
        await hosts.ListenAsync();
        await SendAsync(hosts, pausesBeforeSwitch: false);
        await hosts.Source.ContinueAsync(new ContinuePermit(hosts.Source.Epoch, hosts.Source.Run, "the test"), hosts.Deadline);
        var refusal = await Assert.ThrowsAsync<QmpErrorException>(() => hosts.Target.TakeHaltedAsync(hosts.Deadline));
        Assert.Contains("block-export-add", refusal.Message, StringComparison.Ordinal);
        Assert.True(hosts.Target.Definition.MigratesIn);
        await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
    }

    /// <summary>In the switch QEMU leaves a paused guest in the state of a migration: it is led out of that, and can be sent again.</summary>
    [Fact]
    public async Task One_that_did_not_arrive_is_paused_again_and_can_be_sent_again()
    {
        await using var hosts = new TwoHosts();
        await StartAsync(hosts);

        // Before the switch nothing has happened to it.
        await hosts.Source.BeginMigrationAsync(new MigrationSend { To = new MigrationEndpoint("127.0.0.1", 9, null) }, hosts.Deadline);
        Assert.Equal(MigrationPhase.Failed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        Assert.Equal(RunState.Paused, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Guest);

        await hosts.ListenAsync();
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { PauseBeforeSwitchover = true }, hosts.Deadline);
        Assert.Equal(MigrationPhase.PreSwitchover, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        Assert.Equal(RunState.FinishMigrate, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Guest);
        Assert.Equal(MigrationPhase.Cancelled, await hosts.Source.CancelMigrationAsync(hosts.Deadline));
        Assert.Equal(RunState.PostMigrate, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Guest);
        await hosts.DropTargetAsync();
        await hosts.Source.ContinueAsync(new ContinuePermit(hosts.Source.Epoch, hosts.Source.Run, "the test"), hosts.Deadline);
        await hosts.Source.PauseAsync(hosts.Deadline);
        Assert.Equal(RunState.Paused, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Guest);

        await hosts.ListenAsync();
        await SendAsync(hosts, pausesBeforeSwitch: false);
        await hosts.Target.TakeHaltedAsync(hosts.Deadline);
        Assert.Equal(RunState.Paused, await hosts.Target.QueryStateAsync(hosts.Deadline));
    }

    private static async Task StartAsync(TwoHosts hosts)
    {
        var definition = await hosts.From.SmallLinuxAsync(Writer) with
        {
            Disks = [new DiskDefinition { Slot = 0, Path = await hosts.From.ImageAsync("disk.qcow2", "qcow2"), Format = DiskFormat.Qcow2 }],
            Cdroms = [new CdromDefinition { Slot = 0, Path = await hosts.From.ImageAsync("disc.iso", "raw") }],
        };
        await hosts.StartSourceAsync(definition, "tick=3");
        await hosts.Source.PauseAsync(hosts.Deadline);
    }

    private static async Task SendAsync(TwoHosts hosts, bool pausesBeforeSwitch)
    {
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { PauseBeforeSwitchover = pausesBeforeSwitch }, hosts.Deadline);
        var phase = await hosts.Source.FollowMigrationAsync(null, hosts.Deadline);
        if (pausesBeforeSwitch)
        {
            Assert.Equal(MigrationPhase.PreSwitchover, phase);
            await hosts.Source.ContinueSwitchoverAsync(hosts.Deadline);
            phase = await hosts.Source.FollowMigrationAsync(null, hosts.Deadline);
        }

        Assert.Equal(MigrationPhase.Completed, phase);
        Assert.Equal(MigrationPhase.Completed, await hosts.Target.FollowMigrationAsync(null, hosts.Deadline));
    }
}
