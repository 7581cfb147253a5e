using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;
using Lamina.Tests.Unit.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine;

/// <summary>Two fake engines hand a guest over as two QEMUs do; the integration tests of migration hold the real ones to the same.</summary>
public class FakeMigrationTests
{
    private static readonly ContinuePermit Permit = new(2, 2, "hand-over");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_guest_goes_over_and_runs_only_with_a_permit()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Source.BeginMigrationAsync(pair.Send(), Token);
        Assert.Equal(MigrationPhase.Completed, await pair.Source.FollowMigrationAsync(null, Token));
        Assert.Equal(MigrationPhase.Completed, await pair.Target.FollowMigrationAsync(null, Token));
        Assert.Equal(RunState.PostMigrate, await pair.Source.QueryStateAsync(Token));
        Assert.True((await pair.Target.QueryMigrationAsync(Token)).IsLoaded);
        await Assert.ThrowsAsync<ContinueRefusedException>(() => pair.Target.ContinueAsync(permit: null, Token));
        Assert.True(pair.Target.Definition.MigratesIn);
        await pair.Target.ContinueAsync(Permit, Token);
        Assert.False(pair.Target.Definition.MigratesIn);
        Assert.Empty(pair.Wire.Doubled);
        await pair.Source.ContinueAsync(new ContinuePermit(1, 1, "wrong"), Token);
        Assert.Single(pair.Wire.Doubled);
    }

    [Fact]
    public async Task A_guest_that_has_not_arrived_runs_with_no_permit_either()
    {
        await using var pair = await Pair.StartAsync();
        await Assert.ThrowsAsync<ContinueRefusedException>(() => pair.Target.ContinueAsync(Permit, Token));
    }

    [Theory]
    [InlineData(MigrationPhase.Setup)]
    [InlineData(MigrationPhase.Active)]
    [InlineData(MigrationPhase.PreSwitchover)]
    [InlineData(MigrationPhase.Device)]
    public async Task A_cut_wire_or_a_cancel_before_the_end_leaves_the_guest_where_it_was(MigrationPhase phase)
    {
        foreach (var isCut in new[] { true, false })
        {
            await using var pair = await Pair.StartAsync();
            pair.SourceGuest.HoldMigrationAt(phase);
            await pair.Source.BeginMigrationAsync(pair.Send() with { PauseBeforeSwitchover = true }, Token);
            if (phase == MigrationPhase.Device) await pair.Source.ContinueSwitchoverAsync(Token);
            await pair.SourceGuest.ReachedAsync(phase, Token);
            var following = pair.Source.FollowMigrationAsync(null, Token);
            if (isCut) pair.Wire.Cut();
            else Assert.Equal(MigrationPhase.Cancelled, await pair.Source.CancelMigrationAsync(Token));
            if (phase != MigrationPhase.PreSwitchover) Assert.Equal(isCut ? MigrationPhase.Failed : MigrationPhase.Cancelled, await following);
            Assert.Equal(RunState.Running, await pair.Source.QueryStateAsync(Token));
            Assert.False(pair.TargetGuest.IsAlive);
            Assert.Empty(pair.Wire.Doubled);
        }
    }

    [Fact]
    public async Task The_last_handshake_can_be_lost()
    {
        await using var pair = await Pair.StartAsync();
        pair.SourceGuest.Migration.LosesLastHandshake = true;
        await pair.Source.BeginMigrationAsync(pair.Send(), Token);
        Assert.Equal(MigrationPhase.Failed, await pair.Source.FollowMigrationAsync(null, Token));
        Assert.Equal(RunState.Running, await pair.Source.QueryStateAsync(Token));
        Assert.True((await pair.Target.QueryMigrationAsync(Token)).IsLoaded);
    }

    [Fact]
    public async Task Disks_go_along_and_the_target_runs_only_when_they_are_its_own()
    {
        await using var pair = await Pair.StartAsync(exports: [0]);
        var mirrors = new MigrationMirrors { To = pair.Endpoint, Disks = [new MirroredDisk(0)] };
        pair.SourceGuest.Migration.HoldsMirrors = true;
        await pair.Source.BeginMirrorsAsync(mirrors, Token);
        var following = pair.Source.FollowMirrorsAsync(null, Token);
        Assert.False(following.IsCompleted);
        pair.SourceGuest.ReadyMirrors();
        await following;
        await pair.Source.BeginMigrationAsync(pair.Send() with { PauseBeforeSwitchover = true }, Token);
        Assert.Equal(MigrationPhase.PreSwitchover, await pair.Source.FollowMigrationAsync(null, Token));
        await pair.Source.EndMirrorsAsync([0], Token);
        await pair.Source.ContinueSwitchoverAsync(Token);
        Assert.Equal(MigrationPhase.Completed, await pair.Source.FollowMigrationAsync(null, Token));
        await Assert.ThrowsAsync<QmpErrorException>(() => pair.Target.ContinueAsync(Permit, Token));
        Assert.True(pair.Target.Definition.MigratesIn);
        await pair.Source.CloseMirrorsAsync(Token);
        await pair.Target.StopListeningAsync(Token);
        await pair.Target.ContinueAsync(Permit, Token);
        Assert.Equal(RunState.Running, await pair.Target.QueryStateAsync(Token));
    }

    [Fact]
    public async Task A_broken_mirror_ends_the_hand_over()
    {
        await using var pair = await Pair.StartAsync(exports: [0]);
        await pair.Source.BeginMirrorsAsync(new MigrationMirrors { To = pair.Endpoint, Disks = [new MirroredDisk(0)] }, Token);
        await pair.Source.BeginMigrationAsync(pair.Send() with { PauseBeforeSwitchover = true }, Token);
        pair.SourceGuest.FailMirror(0, "No space left on device");
        await Assert.ThrowsAsync<QmpErrorException>(() => pair.Source.EndMirrorsAsync([0], Token));
        await Assert.ThrowsAsync<QmpErrorException>(() => pair.Source.EndMirrorsAsync([1], Token));
    }

    [Fact]
    public async Task Post_copy_pauses_when_the_wire_is_cut_and_goes_on_when_it_is_mended()
    {
        var transport = new MigrationTransport { PostCopy = true };
        await using var pair = await Pair.StartAsync(transport);
        pair.SourceGuest.HoldMigrationAt(MigrationPhase.Active);
        await pair.Source.BeginMigrationAsync(pair.Send() with { Transport = transport, PauseBeforeSwitchover = true }, Token);
        await pair.Source.StartPostCopyAsync(Token);
        pair.SourceGuest.HoldMigrationAt(MigrationPhase.PostCopyActive);
        Assert.Equal(MigrationPhase.PreSwitchover, await pair.Source.FollowMigrationAsync(null, Token));
        await pair.Source.ContinueSwitchoverAsync(Token);
        await pair.Target.ContinueAsync(Permit, Token);
        await Assert.ThrowsAsync<VmEngineException>(() => pair.Source.CancelMigrationAsync(Token));
        pair.Wire.Cut();
        Assert.Equal(MigrationPhase.PostCopyPaused, await pair.Source.FollowMigrationAsync(null, Token));
        Assert.Equal(MigrationPhase.PostCopyPaused, await pair.Target.FollowMigrationAsync(null, Token));
        var again = await pair.Target.RecoverAsync(pair.Listen, Token);
        await Assert.ThrowsAsync<QmpErrorException>(() => pair.Source.ResumePostCopyAsync(again, Token));
        pair.Wire.Mend();
        pair.SourceGuest.Migration.Hold = null;
        await pair.Source.ResumePostCopyAsync(again, Token);
        Assert.Equal(MigrationPhase.Completed, await pair.Source.FollowMigrationAsync(null, Token));
        Assert.Equal(RunState.PostMigrate, await pair.Source.QueryStateAsync(Token));
        Assert.Equal(RunState.Running, await pair.Target.QueryStateAsync(Token));
        Assert.Empty(pair.Wire.Doubled);
    }

    [Fact]
    public async Task What_does_not_fit_together_fails_and_the_guest_runs_on()
    {
        await using var pair = await Pair.StartAsync();
        await Assert.ThrowsAsync<VmEngineException>(() => pair.Source.BeginMigrationAsync(pair.Send() with { Transport = new MigrationTransport { Streams = 2, PostCopy = true } }, Token));
        await pair.Source.BeginMigrationAsync(pair.Send() with { Transport = new MigrationTransport { Streams = 2 } }, Token);
        Assert.Equal(MigrationPhase.Failed, await pair.Source.FollowMigrationAsync(null, Token));
        Assert.Equal(RunState.Running, await pair.Source.QueryStateAsync(Token));
    }

    [Fact]
    public async Task A_guest_handed_back_goes_on_under_the_newer_epoch()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Source.BeginMigrationAsync(pair.Send(), Token);
        await pair.Target.KillAsync(Token);
        await Assert.ThrowsAsync<VmEngineException>(() => pair.Source.AdoptEpochAsync(1, 1, Token));
        await pair.Source.AdoptEpochAsync(3, 1, Token);
        await Assert.ThrowsAsync<ContinueRefusedException>(() => pair.Source.ContinueAsync(new ContinuePermit(1, 1, "old"), Token));
        await pair.Source.ContinueAsync(new ContinuePermit(3, 1, "hand-back"), Token);
        Assert.Empty(pair.Wire.Doubled);
    }

    private sealed class Pair(FakeEngine from, FakeEngine to, IVm source, IVm target, MigrationListen listen, MigrationEndpoint endpoint) : IAsyncDisposable
    {
        public FakeWire Wire => from.Wire;
        public IVm Source => source;
        public IVm Target => target;
        public MigrationListen Listen => listen;
        public MigrationEndpoint Endpoint => endpoint;
        public FakeGuest SourceGuest => from.Guests.Single();
        public FakeGuest TargetGuest => to.Guests.Single();

        public static async Task<Pair> StartAsync(MigrationTransport? transport = null, IReadOnlyList<int>? exports = null)
        {
            var wire = new FakeWire();
            var (from, to) = (new FakeEngine { Wire = wire }, new FakeEngine { Wire = wire });
            var definition = Scenarios.All["q35-bios-tcg"];
            var source = await from.StartPausedAsync(definition, Token);
            await source.ContinueAsync(permit: null, Token);
            var target = await to.StartPausedAsync(definition with { Epoch = 2, Run = 2, MigratesIn = true }, Token);
            var listen = new MigrationListen
            {
                Address = "127.0.0.1", FirstPort = 7450, LastPort = 7549, Transport = transport ?? new MigrationTransport(), ExportSlots = exports ?? [],
            };
            return new Pair(from, to, source, target, listen, await target.ListenAsync(listen, Token));
        }

        public MigrationSend Send() => new() { To = endpoint };

        public async ValueTask DisposeAsync()
        {
            await source.DisposeAsync();
            await target.DisposeAsync();
        }
    }
}
