using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Integration.Migration;

/// <summary>A real guest that goes on in another QEMU before all of its memory is there.</summary>
[Collection(nameof(PostCopySetting))]
public class PostCopyMemoryTests(PostCopySetting setting)
{
    private static readonly MigrationTransport Transport = new() { PostCopy = true };

    [Fact]
    public async Task It_is_refused_where_the_kernel_forbids_it()
    {
        Assert.SkipUnless(setting.IsOpen, PostCopySetting.Reason);
        using var closed = PostCopySetting.Close();
        await using var hosts = new TwoHosts();
        Assert.Contains("vm.unprivileged_userfaultfd", (await hosts.To.Engine.ProbeAsync(hosts.Deadline)).PostCopyProblem, StringComparison.Ordinal);
        await using var target = await hosts.To.Engine.StartPausedAsync(await hosts.To.BareAsync() with { MigratesIn = true }, hosts.Deadline);
        var refused = await Assert.ThrowsAsync<VmEngineException>(() => target.ListenAsync(
            new MigrationListen { Address = "127.0.0.1", FirstPort = 20_000, LastPort = 30_000, Transport = Transport }, hosts.Deadline));
        Assert.Contains("vm.unprivileged_userfaultfd", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_survives_a_cut()
    {
        Assert.SkipUnless(setting.IsOpen, PostCopySetting.Reason);
        await using var hosts = new TwoHosts();
        await hosts.StartSourceAsync(await hosts.From.SmallLinuxAsync(TwoHosts.Ticker), "tick=3");
        await hosts.ListenAsync(listen => listen with { Transport = Transport });
        await hosts.Source.BeginMigrationAsync(
            hosts.Send() with { Transport = Transport, PauseBeforeSwitchover = true, Limits = new MigrationLimits { BytesPerSecond = 2 << 20, DowntimeMs = 1 } }, hosts.Deadline);
        await hosts.Source.StartPostCopyAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.PreSwitchover, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        var before = TwoHosts.LastTick(hosts.Source);
        await hosts.Source.ContinueSwitchoverAsync(hosts.Deadline);
        // The last event before may come a moment before the guest stands there, and the next one only when all of its memory has come.
        while ((await hosts.Target.QueryMigrationAsync(hosts.Deadline)).Guest is null or RunState.InMigrate) await Task.Delay(20, hosts.Deadline);
        await hosts.RunTargetAsync();
        await Assert.ThrowsAsync<VmEngineException>(() => hosts.Source.CancelMigrationAsync(hosts.Deadline));
        await hosts.Source.BreakMigrationAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.PostCopyPaused, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        Assert.Equal(MigrationPhase.PostCopyPaused, await hosts.Target.FollowMigrationAsync(null, hosts.Deadline));
        await Assert.ThrowsAsync<QmpErrorException>(() => hosts.Source.ResumePostCopyAsync(new MigrationEndpoint("127.0.0.1", 9, null), hosts.Deadline));
        var again = await hosts.Target.RecoverAsync(hosts.Listen, hosts.Deadline);
        await hosts.Source.SetMigrationLimitsAsync(new MigrationLimits(), hosts.Deadline);
        await hosts.Source.ResumePostCopyAsync(again, hosts.Deadline);
        Assert.Equal(MigrationPhase.Completed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        Assert.Equal(MigrationPhase.Completed, await hosts.Target.FollowMigrationAsync(null, hosts.Deadline));
        await hosts.AssertGoesOnAsync(before);
    }
}
