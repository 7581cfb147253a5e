using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Migration;
using Lamina.Server.Migration.Plan;

namespace Lamina.Tests.Unit.Migration;

/// <summary>What QEMU says, read as the table's rows.</summary>
public class MigrationChoicesTests
{
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

    [Fact]
    public void AMuteQemuAtTheSwitchIsAtTheSwitch() => Assert.Equal(SourceQemu.Device, MigrationChoices.QemuOf(new MigrationState { Phase = MigrationPhase.Device }, begun: false));
}
