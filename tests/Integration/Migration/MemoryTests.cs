using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Testing.Bed;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Integration.Migration;

/// <summary>A real guest's memory goes from one QEMU to another, in the ways that the hand-over has, and comes to no harm when it does not arrive.</summary>
public class MemoryTests
{
    [Fact]
    public async Task A_guest_goes_over_encrypted_and_goes_on_where_it_was()
    {
        await using var hosts = new TwoHosts();
        await hosts.StartSourceAsync(await hosts.From.SmallLinuxAsync(TwoHosts.Ticker), "tick=3");
        Assert.InRange(await hosts.Source.MeasureDirtyRateAsync(TimeSpan.FromSeconds(1), hosts.Deadline), 0, 10L << 30);
        var (target, source) = MigrationCertificates.Make(hosts.Source.Id, TimeProvider.System.GetUtcNow());

        // Neither in the clear nor with another pair's certificate does anybody get in.
        foreach (var wrong in new[] { null, MigrationCertificates.Make(hosts.Source.Id, TimeProvider.System.GetUtcNow()).Source })
        {
            await hosts.ListenAsync(listen => listen with { Credentials = target });
            await hosts.Source.BeginMigrationAsync(hosts.Send() with { Credentials = wrong }, hosts.Deadline);
            Assert.Equal(MigrationPhase.Failed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
            await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
            await hosts.DropTargetAsync();
        }

        await hosts.ListenAsync(listen => listen with { Credentials = target });
        Assert.False(Directory.Exists(Path.Combine(hosts.Target.Definition.RuntimeFolder, "tls")));
        var progress = new List<MigrationProgress>();
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { Credentials = source, Limits = new MigrationLimits { BytesPerSecond = 60 << 20, DowntimeMs = 1000 } }, hosts.Deadline);
        Assert.Equal(MigrationPhase.Completed, await hosts.Source.FollowMigrationAsync(progress.Add, hosts.Deadline));
        var before = TwoHosts.LastTick(hosts.Source);
        Assert.Contains(progress, known => known is { TotalBytes: > 100 << 20, TransferredBytes: > 0 });
        await Assert.ThrowsAsync<ContinueRefusedException>(() => hosts.Source.ContinueAsync(permit: null, hosts.Deadline));
        await Assert.ThrowsAsync<ContinueRefusedException>(() => hosts.Target.ContinueAsync(permit: null, hosts.Deadline));
        await hosts.TakeOverAsync();
        await hosts.AssertGoesOnAsync(before);
        Assert.False(hosts.Target.Record.Definition.MigratesIn);
        Assert.Equal(RunState.PostMigrate, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Guest);
    }

    [Fact]
    public async Task A_guest_that_does_not_arrive_goes_on_and_can_be_sent_again()
    {
        await using var hosts = new TwoHosts();
        await hosts.StartSourceAsync(await hosts.From.SmallLinuxAsync(TwoHosts.Ticker), "tick=3");
        var slow = new MigrationLimits { BytesPerSecond = 4 << 20, DowntimeMs = 1 };

        // Nobody there.
        await hosts.Source.BeginMigrationAsync(new MigrationSend { To = new MigrationEndpoint("127.0.0.1", 9, null) }, hosts.Deadline);
        Assert.Equal(MigrationPhase.Failed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        Assert.Equal(MigrationPhase.Failed, await hosts.Source.CancelMigrationAsync(hosts.Deadline));

        // The target dies on the way; a bound set meanwhile is obeyed.
        await hosts.ListenAsync();
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { AutoConverge = true, Limits = slow }, hosts.Deadline);
        await hosts.Source.SetMigrationLimitsAsync(slow with { BytesPerSecond = 8 << 20 }, hosts.Deadline);
        await hosts.Target.KillAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.Failed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
        await hosts.DropTargetAsync();

        // Given up on the way, over several streams; and while it waits for leave to switch over.
        var streams = new MigrationTransport { Streams = 3 };
        await hosts.ListenAsync(listen => listen with { Transport = streams });
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { Transport = streams, Limits = slow }, hosts.Deadline);
        Assert.Equal(MigrationPhase.Cancelled, await hosts.Source.CancelMigrationAsync(hosts.Deadline));
        await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
        await hosts.DropTargetAsync();
        await hosts.ListenAsync();
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { PauseBeforeSwitchover = true }, hosts.Deadline);
        Assert.Equal(MigrationPhase.PreSwitchover, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        Assert.Equal(RunState.FinishMigrate, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Guest);
        Assert.Equal(MigrationPhase.Cancelled, await hosts.Source.CancelMigrationAsync(hosts.Deadline));
        await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
        await hosts.DropTargetAsync();

        // Silence at the worst moment: all is sent, and the target's last word does not come.
        await hosts.ListenAsync();
        await using (var relay = new Relay(hosts.Endpoint.Port))
        {
            await hosts.Source.BeginMigrationAsync(hosts.Send() with { To = hosts.Endpoint with { Port = relay.Port }, PauseBeforeSwitchover = true }, hosts.Deadline);
            Assert.Equal(MigrationPhase.PreSwitchover, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
            relay.Freeze();
            await hosts.Source.ContinueSwitchoverAsync(hosts.Deadline);
            Assert.Equal(MigrationPhase.Device, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Phase);
            Assert.True(await hosts.Source.CancelMigrationAsync(hosts.Deadline) is MigrationPhase.Cancelled or MigrationPhase.Failed);
            await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
            await hosts.DropTargetAsync();
        }

        // The connection breaks; the guest has not stood still in all this, and goes over in the end.
        await hosts.ListenAsync();
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { Limits = slow }, hosts.Deadline);
        await Eventually.BecomesAsync(
            async cancellation => (await hosts.Source.QueryMigrationAsync(cancellation)).Phase == MigrationPhase.Active, "there is a connection that can break");
        await hosts.Source.BreakMigrationAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.Failed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
        await hosts.DropTargetAsync();
        await hosts.ListenAsync(listen => listen with { Transport = streams });
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { Transport = streams, PauseBeforeSwitchover = true }, hosts.Deadline);
        Assert.Equal(MigrationPhase.PreSwitchover, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        await hosts.Source.ContinueSwitchoverAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.Completed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        var before = TwoHosts.LastTick(hosts.Source);
        Assert.Equal(MigrationPhase.Completed, await hosts.Source.CancelMigrationAsync(hosts.Deadline));
        await hosts.TakeOverAsync();
        await hosts.AssertGoesOnAsync(before);
    }

    [Fact]
    public async Task Restarted_daemons_find_both_sides_and_drive_on_and_a_guest_can_be_handed_back()
    {
        await using var hosts = new TwoHosts();
        await hosts.StartSourceAsync(await hosts.From.SmallLinuxAsync(TwoHosts.Ticker), "tick=3");
        await hosts.ListenAsync();
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { PauseBeforeSwitchover = true }, hosts.Deadline);
        await hosts.RestartDaemonsAsync();
        Assert.Equal(MigrationPhase.PreSwitchover, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        await hosts.RestartDaemonsAsync();
        Assert.Equal((MigrationPhase.PreSwitchover, RunState.FinishMigrate), StateOf(await hosts.Source.QueryMigrationAsync(hosts.Deadline)));
        Assert.Equal(RunState.InMigrate, (await hosts.Target.QueryMigrationAsync(hosts.Deadline)).Guest);
        await hosts.Source.ContinueSwitchoverAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.Completed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        await hosts.RestartDaemonsAsync();
        Assert.Equal((MigrationPhase.Completed, RunState.PostMigrate), StateOf(await hosts.Source.QueryMigrationAsync(hosts.Deadline)));
        Assert.True((await hosts.Target.QueryMigrationAsync(hosts.Deadline)).IsLoaded);
        Assert.True(hosts.Target.Record.Definition.MigratesIn);
        await Assert.ThrowsAsync<ContinueRefusedException>(() => hosts.Target.ContinueAsync(permit: null, hosts.Deadline));
        await hosts.Target.KillAsync(hosts.Deadline);

        await hosts.Source.AdoptEpochAsync(5, 7, hosts.Deadline);
        await Assert.ThrowsAsync<ContinueRefusedException>(() => hosts.Source.ContinueAsync(new ContinuePermit(3, 7, "the old epoch"), hosts.Deadline));
        await hosts.Source.ContinueAsync(new ContinuePermit(5, 7, "handed back"), hosts.Deadline);
        Assert.Equal(5, (await hosts.Source.Events.NextAsync<VmResumed>(hosts.Deadline)).Epoch);
        await hosts.Source.Serial.WaitForAsync("tick=", hosts.Deadline, withHistory: false);
    }

    private static (MigrationPhase, RunState?) StateOf(MigrationState state) => (state.Phase, state.Guest);
}
