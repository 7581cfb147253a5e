using Lamina.Api;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Migration;
using Lamina.Server.Migration.Plan;

namespace Lamina.Tests.Unit.Migration;

/// <summary>What QEMU says, read as the table's rows, and what its figures mean.</summary>
public class MigrationChoicesTests
{
    private static readonly VmHandover Plain = new() { Nonce = "n", Operation = "o", From = "a", To = "b", Epoch = 1 };
    private static readonly VmHandover WithPostCopy = Plain with { PostCopy = true };

    /// <summary>1 GiB, of which half was sent in 10 s, and a guest that writes as fast.</summary>
    private static readonly MigrationProgress Outrun = new()
    {
        Phase = MigrationPhase.Active, TotalBytes = 1 << 30, TransferredBytes = 1 << 29, RemainingBytes = 1 << 29, ElapsedMs = 10_000, BytesPerSecond = 50 << 20, DirtyBytesPerSecond = 50 << 20, Passes = 3,
    };

    [Fact]
    public void NothingSentIsNotStuck() => Assert.Null(MigrationChoices.StuckOf(WithPostCopy, null));

    [Theory]
    [InlineData(false, 60, 40, null)]
    [InlineData(false, 90, 29, null)]
    [InlineData(false, 90, 30, "slowed down by 90 %")]
    [InlineData(true, 40, 40, null)]
    [InlineData(true, 50, 3, "slowed down by 50 %")]
    public void SlowingDownComesFirstAndPostCopyBeforeTheEnd(bool postCopy, int throttle, long passes, string? says)
    {
        string? why = MigrationChoices.StuckOf(postCopy ? WithPostCopy : Plain, Outrun with { ThrottlePercent = throttle, Passes = passes });
        if (says is null) Assert.Null(why);
        else Assert.Contains(says, why, StringComparison.Ordinal);
    }

    [Fact]
    public void AGuestThatWritesLessThanTheLinkCarriesGetsThrough() =>
        Assert.Null(MigrationChoices.StuckOf(Plain, Outrun with { ThrottlePercent = 99, Passes = 100, DirtyBytesPerSecond = 10 << 20 }));

    [Fact]
    public void TheTimeAskedForIsTheEndOfIt()
    {
        var record = Plain with { TimeoutSeconds = 11 };
        Assert.Null(MigrationChoices.StuckOf(record, Outrun));
        Assert.Contains("11 s", MigrationChoices.StuckOf(record, Outrun with { ElapsedMs = 11_000 }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 600)]
    [InlineData(600, 6000)]
    public void WithoutItTheTimeFollowsFromTheMemoryAndTheSpeed(long elapsedSeconds, long seconds) =>
        Assert.Equal(seconds, MigrationChoices.TimeoutOf(Plain, Outrun with { ElapsedMs = elapsedSeconds * 1000, Passes = 1 }).TotalSeconds, precision: 0);

    [Fact]
    public void ItIsSaidHowFarItIsAndWhenItEnds()
    {
        var (percent, words) = MigrationChoices.Describe(SourceQemu.Moving, Plain with { TimeoutSeconds = 90 }, Outrun with { DirtyBytesPerSecond = 25 << 20, ThrottlePercent = 20 }, targetIsReady: true);
        Assert.Equal((50, "512 MiB sent, 512 MiB left, about 20 s to go, 50 MiB/s, 25 MiB/s written anew, pass 3, slowed down by 20 %, given up after 90 s"), (percent, words));
        var transfer = MigrationChoices.TransferOf(Outrun with { DirtyBytesPerSecond = 25 << 20, ThrottlePercent = 20 });
        Assert.Equal((20, 20, 3L, false), (transfer.RemainingSeconds, transfer.ThrottlePercent, transfer.Passes, transfer.PostCopy));
        Assert.Null(MigrationChoices.TransferOf(Outrun).RemainingSeconds);
    }

    /// <summary>A target in post-copy that runs on a broken link, and one whose devices are on their way still.</summary>
    [Theory]
    [InlineData(MigrationPhase.PostCopyPaused, RunState.Running, TargetQemu.PostCopyPaused)]
    [InlineData(MigrationPhase.PostCopyActive, RunState.Running, TargetQemu.Running)]
    [InlineData(MigrationPhase.PostCopyActive, RunState.Paused, TargetQemu.PostCopy)]
    [InlineData(MigrationPhase.PostCopyActive, RunState.InMigrate, TargetQemu.InMigrate)]
    [InlineData(MigrationPhase.Completed, RunState.Paused, TargetQemu.Loaded)]
    internal void ATargetIsTakenForWhatItIs(MigrationPhase phase, RunState guest, TargetQemu expected) =>
        Assert.Equal(expected, MigrationChoices.TargetQemuOf(new MigrationState { Phase = phase, Guest = guest }));

    /// <summary>A daemon that has just started and gets no answer knows neither how far the migration is nor whether the guest runs.</summary>
    [Theory]
    [InlineData(MigrationPhase.None)]
    [InlineData(MigrationPhase.Completed)]
    [InlineData(MigrationPhase.Failed)]
    [InlineData(MigrationPhase.Cancelled)]
    internal void AMuteQemuIsUnknownAndNotIdle(MigrationPhase phase) => Assert.Equal(SourceQemu.Unknown, MigrationChoices.QemuOf(new MigrationState { Phase = phase }, begun: true));

    [Theory]
    [InlineData(MigrationPhase.None, RunState.Running, SourceQemu.Idle)]
    [InlineData(MigrationPhase.Completed, RunState.Running, SourceQemu.Idle)]
    [InlineData(MigrationPhase.Completed, RunState.PostMigrate, SourceQemu.Completed)]
    [InlineData(MigrationPhase.Failed, RunState.Running, SourceQemu.Idle)]
    [InlineData(MigrationPhase.Failed, RunState.PostMigrate, SourceQemu.Completed)]
    [InlineData(MigrationPhase.Active, RunState.Shutdown, SourceQemu.Gone)]
    internal void WhatAnEarlierMigrationHasLeftIsNotTakenForThisOne(MigrationPhase phase, RunState guest, SourceQemu expected) =>
        Assert.Equal(expected, MigrationChoices.QemuOf(new MigrationState { Phase = phase, Guest = guest }, begun: false));

    /// <summary>Without a pause before it QEMU does not name the switch: it has a deadline all the same, since the guest stands still.</summary>
    [Theory]
    [InlineData(RunState.Running, SourceQemu.Moving)]
    [InlineData(RunState.FinishMigrate, SourceQemu.Device)]
    internal void AGuestThatStandsStillIsAtTheSwitch(RunState guest, SourceQemu expected) =>
        Assert.Equal(expected, MigrationChoices.QemuOf(new MigrationState { Phase = MigrationPhase.Active, Guest = guest }, begun: true));

    /// <summary>QEMU leaves it in postmigrate when it fails in the switch, and as it was when it fails before.</summary>
    [Theory]
    [InlineData(MigrationPhase.Failed, RunState.PostMigrate, true, SourceQemu.Failed)]
    [InlineData(MigrationPhase.Cancelled, RunState.PostMigrate, true, SourceQemu.Cancelled)]
    [InlineData(MigrationPhase.Completed, RunState.PostMigrate, true, SourceQemu.Completed)]
    [InlineData(MigrationPhase.Failed, RunState.Paused, true, SourceQemu.Failed)]
    [InlineData(MigrationPhase.Failed, RunState.Paused, false, SourceQemu.Idle)]
    [InlineData(MigrationPhase.Completed, RunState.Paused, false, SourceQemu.Idle)]
    [InlineData(MigrationPhase.None, RunState.Paused, false, SourceQemu.Idle)]
    internal void APausedGuestIsToldFromOneThatHasArrived(MigrationPhase phase, RunState guest, bool begun, SourceQemu expected) =>
        Assert.Equal(expected, MigrationChoices.QemuOf(new MigrationState { Phase = phase, Guest = guest }, begun, paused: true));

    [Fact]
    public void AMuteQemuAtTheSwitchIsAtTheSwitch() => Assert.Equal(SourceQemu.Device, MigrationChoices.QemuOf(new MigrationState { Phase = MigrationPhase.Device }, begun: false));
}
